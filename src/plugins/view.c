/* Lets a server block take only the queries for which its expressions hold. */
#include "server/block.h"
#include "server/expression/expression.h"

enum { EXPRESSIONS_MAX = 256 };

struct view_state {
	struct view name;
	struct expression *expressions[EXPRESSIONS_MAX];
	size_t count;
};

/* --- set-up --- */

static bool view_setup(struct setup *s)
{
	struct view_state *v = s->state;
	if (!arg_need(s, &v->name))
		return false;
	if (view_is(v->name, "{"))
		return setup_argument_error(s);
	s->block->view_name = v->name;
	return arg_end(s);
}

static bool read_expression(struct setup *s)
{
	struct view_state *v = s->state;
	struct view text = args_joined(s);
	const char *why;
	if (v->count == EXPRESSIONS_MAX)
		return setup_error(s, "more than %d expressions", EXPRESSIONS_MAX);
	struct expression *e = expression_compile(s->arena, NULL, text, &why);
	if (!e)
		return setup_error_plain(s, "%s", why);
	if (!type_may_be(expression_type(e), VALUE_BOOL))
		setup_warning(s, "'%.*s' gives %s: only true lets queries in", VIEW_ARGS(text),
			type_name(expression_type(e)));
	v->expressions[v->count++] = e;
	return true;
}

/* --- queries --- */

/* Whether the expression gives true; says why where a trace is wanted. */
static bool holds(const struct expression *e, struct query *q)
{
	struct expression_input input = { .query = q };
	struct value v;
	const char *why;
	if (!expression_run(e, &input, &v, &why)) {
		query_why(q, "the expression '%.*s' fails: %s", VIEW_ARGS(expression_text(e)), why);
		return false;
	}
	bool yes = v.kind == VALUE_BOOL && v.boolean;
	if (!yes)
		query_why(q, "the expression '%.*s' does not hold", VIEW_ARGS(expression_text(e)));
	return yes;
}

static bool view_filter(struct plugin *self, struct query *q)
{
	const struct view_state *v = self->state;
	for (size_t i = 0; i < v->count; i++) {
		if (!holds(v->expressions[i], q))
			return false;
	}
	return true;
}

static void view_metadata(struct plugin *self, struct query *q)
{
	const struct view_state *v = self->state;
	metadata_set(q, "view/name", v->name);
}

static int view_serve(struct plugin *self, struct query *q)
{
	const struct view_state *v = self->state;
	query_why(q, "the view '%.*s' has taken the query", VIEW_ARGS(v->name));
	return next(self, q);
}

static const struct option view_options[] = {
	{ "expr", "EXPRESSION", NULL, "must be true for the block to take the query",
		read_expression },
	{ 0 },
};

PLUGIN(view) = {
	.name = "view",
	.arguments = "NAME",
	.help = "lets the block take only the queries for which its expressions are true",
	.about = "Several blocks may have the same zone if all of them but the last have a view: "
		 "the first in the order of the "
		 "file whose expressions are all true takes the query; one that none takes goes to "
		 "the block of the parent zone. "
		 "An expression that fails counts as false.\n\n"
		 "Expressions have the operators `== != < > <= >= + - * / % ** ..`, `and or not` "
		 "(`&& || !`), `? :`, `??`, `in`, "
		 "`contains`, `startsWith`, `endsWith`, `matches` (with a constant pattern of "
		 "RE2's syntax), `|`, arrays, maps, `let`, and "
		 "functions of the language known as Expr. Of the query they ask: `name()`, "
		 "`type()`, `class()`, `proto()` (udp or tcp), "
		 "`client_ip()`, `port()`, `server_ip()`, `server_port()` (ports are texts), "
		 "`id()`, `opcode()`, `size()`, `do()`, "
		 "`bufsize()`, `incidr(IP, CIDR)` and `metadata(LABEL)`.\n\n"
		 "With the plugin `metadata` the label `view/name` is NAME; NAME is also the label "
		 "`view` of metrics.",
	.options = view_options,
	.state_size = sizeof(struct view_state),
	.once = true,
	.setup = view_setup,
	.serve = view_serve,
	.filter = view_filter,
	.metadata = view_metadata,
};
