/* Any text as an expression: compiled, and run over a query if it is one. */
#include "fuzz.h"

#include "server/expression/expression.h"
#include "server/query.h"

static struct query *query_new(struct arena *arena)
{
	struct query *q = arena_new_object(arena, struct query);
	q->arena = arena;
	q->request.id = 4242;
	q->request.has_question = true;
	q->request.edns = (struct edns){ .present = true, .udp_size = 1400 };
	endpoint_parse(VIEW("192.0.2.7:5353"), 0, &q->client);
	endpoint_parse(VIEW("[2001:db8::1]:53"), 0, &q->local);
	query_set_question(
		q, name_from_text(arena, VIEW("web-12.example.org.")), TYPE_AAAA, CLASS_IN);
	metadata_set(q, "view/name", VIEW("inside"));
	return q;
}

/* A result is of the kind that was known before, and can be printed. */
static void check_result(struct arena *arena, const struct expression *e, const struct value *v)
{
	struct arena_text printed = { .arena = arena, .limit = 4096 };
	struct type known = expression_type(e);
	MUST(v->kind < VALUE_OBJECT);
	MUST(known.kind == TYPE_ANY_VALUE || known.kind == v->kind || v->kind == VALUE_NIL ||
		(known.kind == VALUE_FLOAT && v->kind == VALUE_INT));
	value_print(&printed, v);
	MUST(printed.length <= 4096);
}

static void run(struct arena *arena, const struct expression *e)
{
	struct value variables[] = { value_int(7), value_text(VIEW("seven")), { 0 } };
	struct value groups[] = { value_text(VIEW("1")), value_text(VIEW("web")) };
	struct value map = value_map(groups, 1), result;
	struct expression_input input = { query_new(arena), variables, &map };
	const char *why = NULL;
	if (expression_run(e, &input, &result, &why))
		check_result(arena, e, &result);
	else
		MUST(why && *why);
	MUST(arena_size(arena) < 64u << 20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct expression_variable variables[] = {
		{ { "n", 1 }, { VALUE_INT, TYPE_ANY_VALUE } },
		{ { "word", 4 }, { VALUE_STRING, TYPE_ANY_VALUE } },
		{ { "thing", 5 }, { TYPE_ANY_VALUE, TYPE_ANY_VALUE } },
	};
	static const struct expression_scope scope = { variables, 3, true };
	struct arena *arena = arena_new(4096);
	const char *why = NULL;
	struct expression *e =
		expression_compile(arena, &scope, (struct view){ (const char *)data, size }, &why);
	MUST(e || (why && *why));
	if (e)
		run(arena, e);
	arena_free(arena);
	return 0;
}
