/* What the master-file reader says of what it cannot read, in CoreDNS's words. */
#include "base/utf8.h"
#include "dns/zonefile_frame.h"

/* Octets of a bad token that are shown: a quote that is not closed goes on for the rest of the
 * file. */
enum { TOKEN_SHOWN_MAX = 256 };

bool zonefile_fail(struct zonefile *z, const char *what, struct view text)
{
	struct text quoted = { 0 };
	if (text.length > TOKEN_SHOWN_MAX)
		text.length = TOKEN_SHOWN_MAX;
	text_add_quoted_ascii(&quoted, text);
	z->error = arena_printf(z->arena, "%s%sdns: %s: %s at line: %u:%u", z->path ? z->path : "",
		z->path ? ": " : "", what, quoted.at, z->lexer.line,
		master_lexer_column(&z->lexer));
	text_free(&quoted);
	return false;
}
