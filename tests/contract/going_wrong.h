/* Cases of contract.c in a file of their own. */
#ifndef DRAWBRIDGE_TESTS_CONTRACT_GOING_WRONG_H
#define DRAWBRIDGE_TESTS_CONTRACT_GOING_WRONG_H

void test_interrupts(void **state);
void test_changes_behind_our_back(void **state);

#endif
