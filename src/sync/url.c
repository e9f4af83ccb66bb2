/* Putting URLs and forms together, and taking URLs apart as far as sources must. */
#include "sync/url.h"

#include "base/encoding.h"

void form_add(struct text *form, const char *name, struct view value)
{
	if (form->length)
		text_add_char(form, '&');
	text_add_string(form, name);
	text_add_char(form, '=');
	text_add_percent(form, value);
}

void url_add_parameter(struct text *url, const char *name, struct view value)
{
	bool first = view_find(text_view(url), '?') == url->length;
	text_printf(url, "%c%s=", first ? '?' : '&', name);
	text_add_percent(url, value);
}

static size_t scheme_length(struct view url)
{
	static const struct view schemes[] = { { "https://", 8 }, { "http://", 7 } };
	for (size_t i = 0; i < 2; i++) {
		struct view start = { url.at, schemes[i].length };
		if (url.length > start.length && view_equal_nocase(start, schemes[i]))
			return start.length;
	}
	return 0;
}

struct view url_origin(struct view url)
{
	size_t at = scheme_length(url);
	size_t end = at;
	while (end < url.length && !strchr("/?#\\", url.at[end]))
		end++;
	return end > at && at ? view_first(url, end) : VIEW("");
}

struct view url_host(struct view url)
{
	struct view origin = url_origin(url), host = view_skip(origin, scheme_length(origin));
	size_t user = host.length;
	while (user > 0 && host.at[user - 1] != '@')
		user--;
	host = view_skip(host, user);
	if (host.length && host.at[0] == '[') {
		host = view_skip(host, 1);
		return view_first(host, view_find(host, ']'));
	}
	return view_first(host, view_find(host, ':'));
}
