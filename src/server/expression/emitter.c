/* Arrays that grow in the configuration's arena while an expression is compiled. */
#include "server/expression/emitter.h"

static void measure(struct emitter *e, size_t taken, size_t given)
{
	e->height = e->height - taken + given;
	if (e->height > CODE_STACK_MAX && !e->error)
		e->error = "the expression needs too many values at once";
	if (e->height > e->made->stack_size)
		e->made->stack_size = e->height;
}

size_t emit(struct emitter *e, enum code code, uint32_t operand, size_t taken, size_t given)
{
	struct expression *x = e->made;
	if (x->count == CODE_INSTRUCTIONS_MAX && !e->error)
		e->error = "the expression is too large";
	if (e->error)
		return 0;
	x->code = arena_grow(e->arena, x->code, x->count, &e->code_capacity, sizeof *x->code);
	x->code[x->count] = (struct instruction){ (uint8_t)code, 0, operand };
	measure(e, taken, given);
	return x->count++;
}

void emit_constant(struct emitter *e, struct value v)
{
	struct expression *x = e->made;
	x->constants = arena_grow(e->arena, x->constants, x->constant_count, &e->constant_capacity,
		sizeof *x->constants);
	x->constants[x->constant_count] = v;
	emit(e, CODE_CONSTANT, (uint32_t)x->constant_count++, 0, 1);
}

uint32_t emit_regex(struct emitter *e, struct regex *r)
{
	struct expression *x = e->made;
	x->regexes = arena_grow(
		e->arena, x->regexes, x->regex_count, &e->regex_capacity, sizeof(struct regex *));
	x->regexes[x->regex_count] = r;
	return (uint32_t)x->regex_count++;
}

void emit_call(struct emitter *e, const struct function *f, size_t count)
{
	struct expression *x = e->made;
	x->functions = arena_grow(e->arena, x->functions, x->function_count, &e->function_capacity,
		sizeof(const struct function *));
	x->functions[x->function_count] = f;
	size_t call = emit(e, CODE_CALL, (uint32_t)x->function_count++, count, 1);
	if (!e->error)
		x->code[call].count = (uint8_t)count;
}

void emit_target(struct emitter *e, size_t jump)
{
	if (!e->error)
		e->made->code[jump].operand = (uint32_t)e->made->count;
}

const struct value *emit_take_constants(struct emitter *e, size_t start, size_t count)
{
	struct expression *x = e->made;
	if (e->error || x->count - start != count)
		return NULL;
	for (size_t i = start; i < x->count; i++) {
		if (x->code[i].code != CODE_CONSTANT)
			return NULL;
	}
	struct value *taken = arena_array(e->arena, count, sizeof *taken);
	for (size_t i = 0; i < count; i++)
		taken[i] = x->constants[x->code[start + i].operand];
	x->count = start;
	e->height -= count;
	return taken;
}
