/* Finding functions, their arguments and results; and what a run may spend. */
#include "server/expression/functions.h"

static const struct function *find_in(const struct function *table, struct view name)
{
	for (const struct function *f = table; f->name; f++) {
		if (view_is(name, f->name))
			return f;
	}
	return NULL;
}

const struct function *function_find(struct view name, bool groups)
{
	const struct function *const tables[] = { query_functions, text_functions, number_functions,
		list_functions };
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
		const struct function *f = find_in(tables[i], name);
		if (f)
			return f;
	}
	return groups ? find_in(group_functions, name) : NULL;
}

/* --- arguments --- */

char function_argument(const struct function *f, size_t n)
{
	char last = 0;
	for (const char *p = f->arguments; *p; p++) {
		if (*p == '?')
			continue;
		if (*p == '*')
			return last;
		last = *p;
		if (n-- == 0)
			return last;
	}
	return 0;
}

size_t function_arguments_min(const struct function *f)
{
	return strcspn(f->arguments, "?*");
}

bool argument_takes(char letter, struct type t)
{
	switch (letter) {
	case 's':
		return type_may_be(t, VALUE_STRING);
	case 'i':
		return type_may_be(t, VALUE_INT);
	case 'n':
		return type_may_be_number(t);
	case 'a':
		return type_may_be(t, VALUE_ARRAY);
	case 'm':
		return type_may_be(t, VALUE_MAP);
	case 'l':
		return type_may_be(t, VALUE_STRING) || t.kind == VALUE_ARRAY || t.kind == VALUE_MAP;
	case 'c':
		return type_may_be_number(t) || t.kind == VALUE_STRING;
	default:
		return letter == 'v';
	}
}

const char *argument_name(char letter)
{
	switch (letter) {
	case 's':
		return "string";
	case 'i':
		return "int";
	case 'n':
		return "number";
	case 'a':
		return "[]interface {}";
	case 'm':
		return "map[string]interface {}";
	case 'l':
		return "string, array or map";
	case 'c':
		return "string or number";
	default:
		return "interface {}";
	}
}

/* --- results --- */

struct type result_bool(const struct type *arguments, size_t count)
{
	(void)arguments, (void)count;
	return type_of(VALUE_BOOL);
}

struct type result_int(const struct type *arguments, size_t count)
{
	(void)arguments, (void)count;
	return type_of(VALUE_INT);
}

struct type result_float(const struct type *arguments, size_t count)
{
	(void)arguments, (void)count;
	return type_of(VALUE_FLOAT);
}

struct type result_string(const struct type *arguments, size_t count)
{
	(void)arguments, (void)count;
	return type_of(VALUE_STRING);
}

struct type result_strings(const struct type *arguments, size_t count)
{
	(void)arguments, (void)count;
	return type_array(VALUE_STRING);
}

struct type result_array(const struct type *arguments, size_t count)
{
	(void)arguments, (void)count;
	return type_of(VALUE_ARRAY);
}

struct type result_map(const struct type *arguments, size_t count)
{
	(void)arguments, (void)count;
	return type_of(VALUE_MAP);
}

struct type result_any(const struct type *arguments, size_t count)
{
	(void)arguments, (void)count;
	return type_any();
}

struct type result_same(const struct type *arguments, size_t count)
{
	return count == 1 ? arguments[0] : type_any();
}

struct type result_item(const struct type *arguments, size_t count)
{
	return count > 0 && arguments[0].kind == VALUE_ARRAY ? type_of(arguments[0].item)
							     : type_any();
}

/* --- what a run may spend --- */

bool run_fail(struct run *r, const char *format, ...)
{
	if (r->error)
		return false;
	va_list args;
	va_start(args, format);
	r->error = arena_vprintf(r->arena, format, args);
	va_end(args);
	return false;
}

bool run_spend(struct run *r, size_t steps)
{
	if (steps > EXPRESSION_STEPS_MAX - r->steps)
		return run_fail(r, "the expression takes too long");
	r->steps += steps;
	return true;
}

static bool spend_memory(struct run *r, size_t size)
{
	if (size > EXPRESSION_MEMORY_MAX - r->memory)
		return run_fail(r, "memory budget exceeded");
	r->memory += size;
	return true;
}

struct value *run_values(struct run *r, size_t count)
{
	if (count > EXPRESSION_MEMORY_MAX / sizeof(struct value)) {
		run_fail(r, "memory budget exceeded");
		return NULL;
	}
	if (!spend_memory(r, count * sizeof(struct value)))
		return NULL;
	return arena_array(r->arena, count, sizeof(struct value));
}

char *run_octets(struct run *r, size_t count)
{
	return spend_memory(r, count) ? (char *)arena_octets(r->arena, count) : NULL;
}
