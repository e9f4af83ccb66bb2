/* The machine's one loop over instructions. */
#include "server/expression/machine.h"

#include "server/query.h"

static struct value *top(struct machine *m)
{
	return &m->stack[m->height - 1];
}

/* --- single values --- */

static bool negate(struct machine *m)
{
	struct value *v = top(m);
	if (v->kind == VALUE_FLOAT)
		v->real = -v->real;
	else if (v->kind == VALUE_INT)
		v->integer = (int64_t)(0 - (uint64_t)v->integer);
	else
		return run_fail(&m->run, "invalid operation: - %s", value_kind_name(v->kind));
	return true;
}

static bool check(struct machine *m, bool good, const char *what)
{
	return good || run_fail(&m->run, "%s is not a %s", value_kind_name(top(m)->kind), what);
}

static bool is_bool(struct machine *m)
{
	return check(m, top(m)->kind == VALUE_BOOL, "bool");
}

static bool negate_bool(struct machine *m)
{
	if (!is_bool(m))
		return false;
	top(m)->boolean = !top(m)->boolean;
	return true;
}

static bool match(struct machine *m, const struct regex *r)
{
	if (!check(m, top(m)->kind == VALUE_STRING, "string"))
		return false;
	*top(m) = value_bool(regex_matches(r, top(m)->text));
	return true;
}

/* --- two and more --- */

static bool binary(struct machine *m, enum operation op)
{
	struct value b = machine_pop(m), a = *top(m);
	return machine_binary(&m->run, op, &a, &b, top(m));
}

/* a b -> (a op b) b, the left part of a chain of comparisons. */
static bool chain_begin(struct machine *m, enum operation op)
{
	struct value b = *top(m), a = m->stack[m->height - 2];
	return machine_binary(&m->run, op, &a, &b, &m->stack[m->height - 2]);
}

/* r b c -> (r and b op c) c */
static bool chain_next(struct machine *m, enum operation op)
{
	struct value c = machine_pop(m), b = machine_pop(m), further;
	if (!machine_binary(&m->run, op, &b, &c, &further))
		return false;
	top(m)->boolean = top(m)->boolean && further.boolean;
	machine_push(m, c);
	return true;
}

static bool item_at(
	struct run *r, const struct value *array, const struct value *n, struct value *to)
{
	if (n->kind != VALUE_INT)
		return run_fail(r, "cannot fetch %s from %s", value_kind_name(n->kind),
			value_kind_name(array->kind));
	int64_t count = (int64_t)array->list.count, at = n->integer;
	if (at < 0)
		at += count;
	if (at < 0 || at >= count)
		return run_fail(r, "index out of range: %lld (array length is %lld)",
			(long long)n->integer, (long long)count);
	*to = array->list.items[at];
	return true;
}

static bool index_of(struct machine *m)
{
	struct value key = machine_pop(m), base = *top(m);
	if (base.kind == VALUE_ARRAY)
		return item_at(&m->run, &base, &key, top(m));
	if (base.kind != VALUE_MAP)
		return run_fail(&m->run, "cannot fetch from %s", value_kind_name(base.kind));
	const struct value *found = value_map_get(&base, &key);
	*top(m) = found ? *found : (struct value){ 0 };
	return run_spend(&m->run, base.list.count);
}

/* A bound of a slice: behind the end for what is over it, from the end on for what is negative. */
static bool bound(struct run *r, const struct value *v, size_t count, size_t unset, size_t *at)
{
	if (v->kind == VALUE_NIL) {
		*at = unset;
		return true;
	}
	if (v->kind != VALUE_INT)
		return run_fail(r, "cannot slice by %s", value_kind_name(v->kind));
	int64_t n = v->integer < 0 ? v->integer + (int64_t)count : v->integer;
	*at = n < 0 ? 0 : (uint64_t)n > count ? count : (size_t)n;
	return true;
}

static bool slice(struct machine *m)
{
	struct value to = machine_pop(m), from = machine_pop(m), base = *top(m);
	if (base.kind != VALUE_ARRAY && base.kind != VALUE_STRING)
		return run_fail(&m->run, "cannot slice %s", value_kind_name(base.kind));
	size_t count = base.kind == VALUE_ARRAY ? base.list.count : base.text.length;
	size_t a = 0, b = 0;
	if (!bound(&m->run, &from, count, 0, &a) || !bound(&m->run, &to, count, count, &b))
		return false;
	if (a > b)
		a = b;
	*top(m) = base.kind == VALUE_ARRAY ? value_array(base.list.items + a, b - a)
					   : value_text(view_first(view_skip(base.text, a), b - a));
	return true;
}

/* Moves the top `count` values into memory of their own. */
static struct value *collect(struct machine *m, size_t count)
{
	struct value *items = run_values(&m->run, count);
	m->height -= count;
	if (items && count)
		memcpy(items, &m->stack[m->height], count * sizeof *items);
	return items;
}

static bool make_array(struct machine *m, size_t count)
{
	struct value *items = collect(m, count);
	machine_push(m, value_array(items, count));
	return items;
}

/* Of several pairs with one key the last counts. */
static bool make_map(struct machine *m, size_t count)
{
	struct value *pairs = collect(m, 2 * count);
	size_t kept = 0;
	if (!pairs || !run_spend(&m->run, count * count / 16))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct value so_far = value_map(pairs, kept);
		const struct value *before = value_map_get(&so_far, &pairs[2 * i]);
		size_t at = before ? (size_t)(before - pairs) - 1 : 2 * kept++;
		pairs[at] = pairs[2 * i];
		pairs[at + 1] = pairs[2 * i + 1];
	}
	machine_push(m, value_map(pairs, kept));
	return true;
}

static bool call(struct machine *m, const struct function *f, size_t count)
{
	const struct value *arguments = &m->stack[m->height - count];
	for (size_t i = 0; i < count; i++) {
		char letter = function_argument(f, i);
		if (!argument_takes(letter, type_of(arguments[i].kind)))
			return run_fail(&m->run, "cannot use %s as argument (type %s) to call %s",
				value_kind_name(arguments[i].kind), argument_name(letter), f->name);
	}
	struct value v;
	if (!f->call(&m->run, arguments, count, &v))
		return run_fail(&m->run, "%s failed", f->name);
	m->height -= count;
	machine_push(m, v);
	return true;
}

static void slide(struct machine *m)
{
	struct value v = machine_pop(m);
	*top(m) = v;
}

/* --- instructions --- */

static bool jump(struct machine *m, bool condition, const struct instruction *i)
{
	if (condition)
		m->place = i->operand;
	return true;
}

static bool branch(struct machine *m, const struct instruction *i)
{
	return is_bool(m) && jump(m, !machine_pop(m).boolean, i);
}

static bool step(struct machine *m, const struct instruction *i)
{
	const struct expression *e = m->code;
	switch ((enum code)i->code) {
	case CODE_CONSTANT:
		machine_push(m, e->constants[i->operand]);
		return true;
	case CODE_VARIABLE:
		machine_push(m, m->run.input->variables[i->operand]);
		return true;
	case CODE_SLOT:
		machine_push(m, m->stack[i->operand]);
		return true;
	case CODE_POP:
		m->height--;
		return true;
	case CODE_SLIDE:
		slide(m);
		return true;
	case CODE_NEGATE:
		return negate(m);
	case CODE_CHECK_NUMBER:
		return check(m, value_is_number(top(m)), "number");
	case CODE_NOT:
		return negate_bool(m);
	case CODE_BINARY:
		return binary(m, i->operand);
	case CODE_MATCHES:
		return match(m, e->regexes[i->operand]);
	case CODE_CHAIN_BEGIN:
		return chain_begin(m, i->operand);
	case CODE_CHAIN_NEXT:
		return chain_next(m, i->operand);
	case CODE_CHECK_BOOL:
		return is_bool(m);
	case CODE_JUMP:
		return jump(m, true, i);
	case CODE_JUMP_IF_FALSE:
		return is_bool(m) && jump(m, !top(m)->boolean, i);
	case CODE_JUMP_IF_TRUE:
		return is_bool(m) && jump(m, top(m)->boolean, i);
	case CODE_BRANCH:
		return branch(m, i);
	case CODE_JUMP_IF_NIL:
		return jump(m, top(m)->kind == VALUE_NIL, i);
	case CODE_JUMP_UNLESS_NIL:
		return jump(m, top(m)->kind != VALUE_NIL, i);
	case CODE_INDEX:
		return index_of(m);
	case CODE_SLICE:
		return slice(m);
	case CODE_ARRAY:
		return make_array(m, i->operand);
	case CODE_MAP:
		return make_map(m, i->operand);
	case CODE_CALL:
		return call(m, e->functions[i->operand], i->count);
	case CODE_LOOP:
		return machine_loop(m, i);
	case CODE_LOOP_NEXT:
		return machine_loop_next(m);
	case CODE_ITEM:
		machine_push(m, machine_item(m));
		return true;
	case CODE_ITEM_INDEX:
		machine_push(m, value_int((int64_t)m->loops[m->loop_count - 1].index));
		return true;
	case CODE_ACCUMULATOR:
		machine_push(m, m->loops[m->loop_count - 1].accumulator);
		return true;
	}
	return run_fail(&m->run, "unknown instruction");
}

bool expression_run(const struct expression *e, const struct expression_input *input,
	struct value *result, const char **why)
{
	struct arena *arena = input->query->arena;
	struct machine m = { .run = { .arena = arena, .input = input }, .code = e };
	m.stack = arena_array(arena, e->stack_size, sizeof *m.stack);
	while (m.place < e->count) {
		if (!run_spend(&m.run, 1) || !step(&m, &e->code[m.place++])) {
			*why = m.run.error;
			return false;
		}
	}
	*result = m.stack[0];
	return true;
}

bool expression_holds(const struct expression *e, const struct expression_input *input)
{
	struct value v;
	const char *why;
	return expression_run(e, input, &v, &why) && v.kind == VALUE_BOOL && v.boolean;
}
