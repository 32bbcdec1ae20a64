/* See number.h. newlocale() gives the one "C" locale that the C library has: nothing is
 * allocated. */
#include "base/number.h"

#include <stdlib.h>

locale_t number_enter(void) {
    return uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0));
}

void number_leave(locale_t hosts) {
    uselocale(hosts);
}

double number_read(const char *text, char **end) {
    locale_t hosts = number_enter();
    double number = strtod(text, end);

    number_leave(hosts);
    return number;
}

float number_read_narrow(const char *text) {
    locale_t hosts = number_enter();
    float number = strtof(text, NULL);

    number_leave(hosts);
    return number;
}
