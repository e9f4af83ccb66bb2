/* Directives of a master file: $TTL, $ORIGIN, $INCLUDE, $GENERATE. */
#include "dns/generate.h"
#include "dns/rdata_numbers.h"
#include "dns/rdata_source.h"
#include "dns/zonefile_frame.h"

/* Takes the directive's argument; false for the end of the line, a quote, ... */
static bool take_argument(struct zonefile *z, struct token *t, const char *missing)
{
	master_lexer_next(&z->lexer, t);
	if (t->kind == TOKEN_WORD)
		return true;
	return zonefile_fail(z, t->kind == TOKEN_BROKEN ? t->text.at : missing, t->text);
}

/* Takes the end of the directive's line. */
static bool take_end(struct zonefile *z, const char *garbage)
{
	struct token t;
	master_lexer_next(&z->lexer, &t);
	if (t.kind == TOKEN_NEWLINE || t.kind == TOKEN_END)
		return true;
	return zonefile_fail(z, t.kind == TOKEN_BROKEN ? t.text.at : garbage, t.text);
}

static bool read_ttl(struct zonefile *z)
{
	static const char expecting[] = "expecting $TTL value, not this...";
	struct token t;
	if (!take_argument(z, &t, expecting))
		return false;
	if (!ttl_parse(t.text, &z->ttl))
		return zonefile_fail(z, expecting, t.text);
	z->has_ttl = z->ttl_is_set = true;
	return take_end(z, "garbage after rdata");
}

static bool read_origin(struct zonefile *z)
{
	struct token t;
	struct name_buffer origin;
	if (!take_argument(z, &t, "expecting $ORIGIN value, not this..."))
		return false;
	if (!name_parse_in(t.text, name_of(&z->origin), &origin))
		return zonefile_fail(z, "bad origin name", t.text);
	z->origin = origin;
	return take_end(z, "garbage after rdata");
}

/* A frame, one that is not used any more if there is one. */
static struct zonefile_frame *frame_new(struct zonefile *z)
{
	struct zonefile_frame *f = z->spare_frames;
	if (!f)
		return arena_new_object(z->arena, struct zonefile_frame);
	z->spare_frames = f->older;
	return f;
}

static void push_frame(struct zonefile *z)
{
	struct zonefile_frame *f = frame_new(z);
	*f = (struct zonefile_frame){ .older = z->frame,
		.lexer = z->lexer,
		.path = z->path,
		.origin = z->origin,
		.owner = z->owner,
		.has_owner = z->has_owner,
		.has_ttl = z->has_ttl,
		.ttl_is_set = z->ttl_is_set,
		.ttl = z->ttl,
		.depth = z->depth };
	z->frame = f;
}

static void pop_frame(struct zonefile *z)
{
	struct zonefile_frame *f = z->frame;
	z->lexer = f->lexer;
	z->path = f->path;
	z->origin = f->origin;
	z->owner = f->owner;
	z->has_owner = f->has_owner;
	z->has_ttl = f->has_ttl;
	z->ttl_is_set = f->ttl_is_set;
	z->ttl = f->ttl;
	z->depth = f->depth;
	z->generating = false;
	z->frame = f->older;
	f->older = z->spare_frames;
	z->spare_frames = f;
}

/* The path of an included file: below the folder of the file that includes it, unless it is
 * absolute. */
static const char *join(struct zonefile *z, struct view path)
{
	const char *slash = z->path ? strrchr(z->path, '/') : NULL;
	if (!slash || path.at[0] == '/')
		return arena_string(z->arena, path);
	return arena_printf(
		z->arena, "%.*s/%.*s", (int)(slash - z->path), z->path, VIEW_ARGS(path));
}

static bool fail_open(struct zonefile *z, struct view name, const char *path, const char *why)
{
	bool joined = !view_is(name, path);
	return zonefile_fail(z,
		arena_printf(z->arena, "failed to open `%.*s'%s%s%s: %s", VIEW_ARGS(name),
			joined ? " as `" : "", joined ? path : "", joined ? "'" : "", why),
		name);
}

/* Takes the origin behind the file's name, if there is one, and the end of the line. */
static bool read_include_origin(struct zonefile *z, struct name_buffer *origin)
{
	struct token t;
	*origin = z->origin;
	master_lexer_next(&z->lexer, &t);
	if (t.kind == TOKEN_NEWLINE || t.kind == TOKEN_END)
		return true;
	if (t.kind != TOKEN_WORD)
		return zonefile_fail(
			z, t.kind == TOKEN_BROKEN ? t.text.at : "garbage after $INCLUDE", t.text);
	if (!name_parse_in(t.text, name_of(&z->origin), origin))
		return zonefile_fail(z, "bad origin name", t.text);
	return take_end(z, "garbage after $INCLUDE");
}

static bool read_include(struct zonefile *z)
{
	struct token t;
	struct view text;
	struct name_buffer origin;
	master_lexer_next(&z->lexer, &t);
	if ((t.kind != TOKEN_WORD && t.kind != TOKEN_QUOTED) || t.text.length == 0)
		return zonefile_fail(z, "expecting $INCLUDE value, not this...", t.text);
	if (!z->include || z->generating)
		return zonefile_fail(z, "$INCLUDE directive not allowed", t.text);
	if (z->depth >= INCLUDES_NESTED_MAX)
		return zonefile_fail(z, "too deeply nested $INCLUDE", t.text);
	if (z->includes++ >= INCLUDES_MAX)
		return zonefile_fail(z, "too many $INCLUDE", t.text);
	const char *path = join(z, t.text), *why = z->include(z, path, &text);
	if (why)
		return fail_open(z, t.text, path, why);
	if (!read_include_origin(z, &origin))
		return false;
	push_frame(z);
	z->lexer = master_lexer_of(text);
	z->path = path;
	z->origin = origin;
	z->depth++;
	return true;
}

/* The rest of the line as one text, its comments and parentheses taken out. */
static bool read_pattern(struct zonefile *z, struct view *pattern)
{
	struct text joined = { 0 };
	struct token t;
	for (;;) {
		master_lexer_next(&z->lexer, &t);
		if (t.kind != TOKEN_WORD && t.kind != TOKEN_QUOTED)
			break;
		const char *quote = t.kind == TOKEN_QUOTED ? "\"" : "";
		text_printf(&joined, "%s%s", joined.length ? " " : "", quote);
		text_add(&joined, t.text);
		text_add_string(&joined, quote);
	}
	*pattern = arena_copy(z->arena, text_view(&joined));
	text_free(&joined);
	return t.kind == TOKEN_BROKEN ? zonefile_fail(z, "bad data in $GENERATE directive", t.text)
				      : true;
}

static bool read_generate(struct zonefile *z)
{
	struct token t;
	struct generator g;
	if (!take_argument(z, &t, "expecting $GENERATE value, not this..."))
		return false;
	if (z->generating)
		return zonefile_fail(z, "nested $GENERATE directive not allowed", t.text);
	const char *why = generator_range(t.text, &g);
	if (why)
		return zonefile_fail(z, why, t.text);
	unsigned line = z->lexer.line;
	if (!read_pattern(z, &g.pattern))
		return false;
	if (!z->generated)
		z->generated = arena_octets(z->arena, GENERATED_LINE_MAX);
	push_frame(z);
	z->generating = true;
	z->frame->generator = g;
	z->lexer = master_lexer_of(VIEW(""));
	z->lexer.line = line;
	return true;
}

bool zonefile_directive(struct zonefile *z, const struct token *t)
{
	static const struct {
		const char *name;
		bool (*read)(struct zonefile *z);
	} directives[] = { { "$TTL", read_ttl }, { "$ORIGIN", read_origin },
		{ "$INCLUDE", read_include }, { "$GENERATE", read_generate } };
	for (size_t i = 0; i < sizeof directives / sizeof directives[0]; i++) {
		if (view_equal_nocase(t->text, view_of(directives[i].name))) {
			directives[i].read(z);
			return true;
		}
	}
	return false;
}

static bool next_generated(struct zonefile *z)
{
	struct view line, bad;
	const char *why = generator_line(&z->frame->generator, z->generated, &line, &bad);
	if (why)
		return zonefile_fail(z, why, bad);
	unsigned number = z->lexer.line;
	z->lexer = master_lexer_of(line);
	z->lexer.line = number;
	return true;
}

bool zonefile_resume(struct zonefile *z)
{
	if (!z->frame)
		return false;
	if (z->generating && !generator_ended(&z->frame->generator))
		return next_generated(z);
	pop_frame(z);
	return true;
}
