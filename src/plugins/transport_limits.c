/* Reading the limits of transports. */
#include "plugins/transport_limits.h"

bool transport_limit_read(
	struct setup *s, const char *option, int32_t least, struct transport_limit *to)
{
	struct view word;
	int32_t n;
	if (!arg_need(s, &word) || !arg_end(s))
		return false;
	if (!view_integer(word, &n))
		return setup_error(s,
			"invalid %s value '%.*s': strconv.Atoi: parsing \"%.*s\": invalid syntax", option,
			VIEW_ARGS(word), VIEW_ARGS(word));
	if (n < least)
		return setup_error(s, "%s must be a %s integer: %d", option,
			least ? "positive" : "non-negative", n);
	if (to->set)
		return setup_error(s, "%s already defined for this server block", option);
	*to = (struct transport_limit){ true, (uint32_t)n };
	return true;
}
