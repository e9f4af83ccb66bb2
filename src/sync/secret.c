/* Taking secrets out of texts. */
#include "sync/secret.h"

#include "base/text.h"

/* Where the secret stands first, or the text's length. The secret is not empty. */
static size_t find(struct view text, struct view secret)
{
	const char *at = text.length ? memmem(text.at, text.length, secret.at, secret.length) : NULL;
	return at ? (size_t)(at - text.at) : text.length;
}

struct view secret_hide(struct arena *arena, struct view text, struct view secret)
{
	struct text hidden = { 0 };
	if (!secret.length || find(text, secret) == text.length)
		return text;
	for (size_t at; (at = find(text, secret)) < text.length; text = view_skip(text, at + secret.length)) {
		text_add(&hidden, view_first(text, at));
		text_add_string(&hidden, "***");
	}
	text_add(&hidden, text);
	struct view copy = arena_copy(arena, text_view(&hidden));
	text_free(&hidden);
	return copy;
}
