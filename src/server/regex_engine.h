/* What the module regex_re2 offers and regex.c uses: C on both sides of a C++ library. */
#ifndef ISTHMUS_SERVER_REGEX_ENGINE_H
#define ISTHMUS_SERVER_REGEX_ENGINE_H

#include "base/view.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Why a pattern is refused. */
enum regex_fault {
	REGEX_FAULT_INTERNAL,
	REGEX_FAULT_ESCAPE,
	REGEX_FAULT_CLASS,
	REGEX_FAULT_RANGE,
	REGEX_FAULT_BRACKET,
	REGEX_FAULT_PAREN,
	REGEX_FAULT_UNEXPECTED_PAREN,
	REGEX_FAULT_BACKSLASH,
	REGEX_FAULT_REPEAT_ARGUMENT,
	REGEX_FAULT_REPEAT_SIZE,
	REGEX_FAULT_REPEAT_OPERATOR,
	REGEX_FAULT_PERL,
	REGEX_FAULT_UTF8,
	REGEX_FAULT_NAME,
	REGEX_FAULT_TOO_LARGE,
};

struct regex_engine {
	/* NULL with the fault and up to `part_size` octets of the part of the pattern that it lies
	 * in (cut; NUL-terminated). */
	void *(*compile)(
		struct view pattern, enum regex_fault *fault, char *part, size_t part_size);
	void (*release)(void *compiled);
	size_t (*groups)(const void *compiled);
	/* The name of a group, "" for none; lives as long as the pattern. */
	const char *(*group_name)(const void *compiled, size_t group);
	/* Searches; fills `count` groups, the whole match first (`at` NULL for one that took no
	 * part). With `count` 0 it only says whether there is a match. */
	bool (*search)(const void *compiled, struct view text, struct view *groups, size_t count);
};

/* The symbol that is looked up in the module. */
#define REGEX_ENGINE_SYMBOL "isthmus_regex_engine"

#ifdef __cplusplus
}
#endif

#endif
