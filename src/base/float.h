/* Floating-point numbers as text: the fewest digits that read back as the same number. */
#ifndef ISTHMUS_BASE_FLOAT_H
#define ISTHMUS_BASE_FLOAT_H

#include <stddef.h>

enum {
	FLOAT_TEXT_MAX = 32,	/* "-1.7976931348623157e+308" and NUL */
	FLOAT_DECIMAL_MAX = 400 /* the same written out without exponent */
};

/* As metrics pages have them: "0.00025", "2.5e-05", "100000", "1e+06", "+Inf", "-Inf", "NaN"; an
 * exponent is written when it is under -4 or over 5. NUL-terminated; gives the length. */
size_t float_print(double value, char to[static FLOAT_TEXT_MAX]);

/* Without an exponent: "0.000284081", "1234567". NUL-terminated; gives the length. `value` is
 * finite. */
size_t float_print_decimal(double value, char to[static FLOAT_DECIMAL_MAX]);

#endif
