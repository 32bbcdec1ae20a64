/* Runs once before the first input of every target: allocation goes through the host's table.
 */
#include "tests/support/host.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    return host_start();
}
