/* Numbers in foreign text, whose decimal point is a point: whatever locale the host has set. */
#ifndef DRAWBRIDGE_BASE_NUMBER_H
#define DRAWBRIDGE_BASE_NUMBER_H

#include <locale.h>

/* What is called between the two reads numbers in the "C" locale, on this thread alone. */
locale_t number_enter(void);
void number_leave(locale_t hosts);

/* As strtod() and strtof() in the "C" locale. end may be NULL. */
double number_read(const char *text, char **end);
float number_read_narrow(const char *text);

#endif
