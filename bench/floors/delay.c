/* A network that is only far away: a TCP relay on 127.0.0.1 that hands every byte on after a
 * fixed time, in both directions, with any number of bytes under way.
 *
 *     delay ONE_WAY_US PORT      relays to 127.0.0.1:PORT; prints its own port, ends with stdin
 *
 * One thread, one poll: a round trip takes 2 x ONE_WAY_US and what loopback takes twice. */
#include "bench/floors/measure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LINKS_MAX = 64,
    FLOWS = 2 * LINKS_MAX,
    POLLS = 2 * FLOWS,
    PIECE_BYTES_MAX = 65536,
    QUEUED_BYTES_MAX = 16 << 20
};

struct piece {
    struct piece *next;
    int64_t due_ns;
    size_t length, sent; /* length 0: the end of the stream */
    char bytes[];
};

/* One direction of a connection. */
struct flow {
    int from, to;
    struct piece *first, **last;
    size_t queued_bytes;
    bool read_ended, write_ended;
};

struct relay {
    int listener, upstream_port;
    int64_t delay_ns;
    struct flow flows[FLOWS]; /* 2i and 2i + 1 are one connection; from < 0: free */
};

static void send_at_once(int fd) {
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static int tcp_socket(struct sockaddr_in *address, int port) {
    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address->sin_port = htons((uint16_t)port);
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static void flow_start(struct flow *flow, int from, int to) {
    *flow = (struct flow){ .from = from, .to = to, .last = NULL };
}

static void accept_link(struct relay *relay) {
    struct sockaddr_in address;
    int client = accept(relay->listener, NULL, NULL);
    int server = tcp_socket(&address, relay->upstream_port);

    for (size_t i = 0; client >= 0 && i < FLOWS; i += 2) {
        if (relay->flows[i].from >= 0) {
            continue;
        }
        if (connect(server, (struct sockaddr *)&address, sizeof address) != 0) {
            break;
        }
        send_at_once(client);
        send_at_once(server);
        flow_start(&relay->flows[i], client, server);
        flow_start(&relay->flows[i + 1], server, client);
        return;
    }
    close(client);
    close(server);
}

static void flow_read(struct relay *relay, struct flow *flow) {
    struct piece *piece = malloc(sizeof *piece + PIECE_BYTES_MAX);
    ssize_t got;

    if (piece == NULL) {
        return;
    }
    got = recv(flow->from, piece->bytes, PIECE_BYTES_MAX, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        free(piece);
        return;
    }
    piece->next = NULL;
    piece->due_ns = clock_ns() + relay->delay_ns;
    piece->length = got > 0 ? (size_t)got : 0;
    piece->sent = 0;
    flow->read_ended = got <= 0;
    flow->queued_bytes += piece->length;
    if (flow->first == NULL) {
        flow->first = piece;
    } else {
        *flow->last = piece;
    }
    flow->last = &piece->next;
}

static void flow_drop_first(struct flow *flow) {
    struct piece *piece = flow->first;

    flow->first = piece->next;
    flow->queued_bytes -= piece->length;
    free(piece);
}

/* Sends what is due, as far as the receiver takes it. */
static void flow_write(struct flow *flow, int64_t now_ns) {
    while (flow->first != NULL && flow->first->due_ns <= now_ns) {
        struct piece *piece = flow->first;
        ssize_t sent = 0;

        if (piece->length > 0) {
            sent = send(flow->to, piece->bytes + piece->sent, piece->length - piece->sent,
                    MSG_DONTWAIT | MSG_NOSIGNAL);
            if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
                return;
            }
            piece->sent += sent > 0 ? (size_t)sent : 0;
        }
        if (piece->length == 0 || sent < 0) {
            shutdown(flow->to, SHUT_WR);
            flow->write_ended = true;
        } else if (piece->sent < piece->length) {
            return;
        }
        flow_drop_first(flow);
    }
}

static void close_ended(struct relay *relay) {
    for (size_t i = 0; i < FLOWS; i += 2) {
        struct flow *there = &relay->flows[i], *back = &relay->flows[i + 1];

        if (there->from < 0 || !there->write_ended || !back->write_ended) {
            continue;
        }
        while (there->first != NULL) {
            flow_drop_first(there);
        }
        while (back->first != NULL) {
            flow_drop_first(back);
        }
        close(there->from);
        close(back->from);
        there->from = back->from = -1;
    }
}

/* What to wait for on each direction; gives the time until the first piece is due, or -1. */
static int64_t fill_polls(const struct relay *relay, struct pollfd *polls) {
    int64_t now_ns = clock_ns(), wait_ns = -1;

    for (size_t i = 0; i < FLOWS; i++) {
        const struct flow *flow = &relay->flows[i];
        bool open = flow->from >= 0;
        bool reads = open && !flow->read_ended && flow->queued_bytes < QUEUED_BYTES_MAX;
        bool waits = open && flow->first != NULL;
        int64_t left_ns = waits ? flow->first->due_ns - now_ns : -1;
        bool writes = waits && left_ns <= 0;

        polls[2 * i] = (struct pollfd){ .fd = reads ? flow->from : -1, .events = POLLIN };
        polls[2 * i + 1] = (struct pollfd){ .fd = writes ? flow->to : -1, .events = POLLOUT };
        if (waits && !writes && (wait_ns < 0 || left_ns < wait_ns)) {
            wait_ns = left_ns;
        }
    }
    return wait_ns;
}

static int relay_run(struct relay *relay) {
    struct pollfd polls[POLLS + 2];
    struct pollfd *fixed = &polls[POLLS];

    for (;;) {
        int64_t wait_ns = fill_polls(relay, polls), now_ns;
        struct timespec wait = { .tv_sec = wait_ns / 1000000000,
            .tv_nsec = wait_ns % 1000000000 };

        fixed[0] = (struct pollfd){ .fd = relay->listener, .events = POLLIN };
        fixed[1] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
        if (ppoll(polls, POLLS + 2, wait_ns >= 0 ? &wait : NULL, NULL) < 0) {
            return 1;
        }
        if (fixed[1].revents != 0) {
            return 0;
        }
        now_ns = clock_ns();
        for (size_t i = 0; i < FLOWS; i++) {
            if (relay->flows[i].from >= 0) {
                if (polls[2 * i].revents != 0) {
                    flow_read(relay, &relay->flows[i]);
                }
                flow_write(&relay->flows[i], now_ns);
            }
        }
        close_ended(relay);
        if (fixed[0].revents != 0) {
            accept_link(relay);
        }
    }
}

int main(int argc, char **argv) {
    static struct relay relay;
    struct sockaddr_in address;
    socklen_t bytes = sizeof address;

    if (argc != 3) {
        complain(argv[0], "ONE_WAY_US PORT");
        return 2;
    }
    for (size_t i = 0; i < FLOWS; i++) {
        relay.flows[i].from = -1;
    }
    relay.delay_ns = number_argument(argv[1]) * 1000;
    relay.upstream_port = (int)number_argument(argv[2]);
    relay.listener = tcp_socket(&address, 0);
    prctl(PR_SET_TIMERSLACK, 1UL); /* otherwise each wait is 50 us too long */
    prctl(PR_SET_PDEATHSIG, 15UL);
    if (relay.listener < 0 || bind(relay.listener, (struct sockaddr *)&address, bytes) != 0 ||
            listen(relay.listener, LINKS_MAX) != 0 ||
            getsockname(relay.listener, (struct sockaddr *)&address, &bytes) != 0) {
        complain("listen", "could not open a port on 127.0.0.1");
        return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return relay_run(&relay);
}
