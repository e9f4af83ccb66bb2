/* Texts of system errors. */
#include "base/error.h"

#include <string.h>

const char *error_text(int number)
{
	static _Thread_local char text[128];
	const char *own = strerror_r(number, text, sizeof text);
	if (own != text) {
		strncpy(text, own, sizeof text - 1);
		text[sizeof text - 1] = 0;
	}
	/* Acronyms keep their case: "RPC struct is bad". */
	if (text[0] >= 'A' && text[0] <= 'Z' && !(text[1] >= 'A' && text[1] <= 'Z'))
		text[0] = (char)(text[0] - 'A' + 'a');
	return text;
}
