/* Running a template: one loop over its instructions. */
#include "plugins/template/code.h"
#include "plugins/template/functions.h"

/* A with or a range that is being run. */
struct frame {
	struct value before; /* the dot outside */
	struct value over;   /* what a range goes over */
	size_t index;
	uint8_t variable, variables;
};

/* What a template that was called goes back to. */
struct called {
	struct value dot, *variables;
	uint32_t place;
	size_t frame_count;
};

struct run {
	const struct gotemplate *template;
	struct arena *arena;
	struct arena_text *to;
	struct value *stack, *variables, dot;
	size_t height, steps, memory;
	uint32_t place; /* of the next instruction */
	struct frame frames[GOCODE_FRAMES_MAX];
	size_t frame_count;
	struct called calls[GOCODE_CALLS_MAX];
	size_t call_count;
	const char *error;
};

/* --- errors --- */

/* A piece of source with each run of white space made one blank, as Go prints it. */
static struct view tidy(struct arena *arena, struct view v)
{
	struct arena_text made = { .arena = arena, .limit = v.length };
	for (size_t i = 0; i < v.length; i++) {
		bool blank =
			v.at[i] == ' ' || v.at[i] == '\t' || v.at[i] == '\n' || v.at[i] == '\r';
		bool follows = made.length && made.at[made.length - 1] == ' ';
		if (!blank || !follows)
			arena_text_add_char(&made, blank ? ' ' : v.at[i]);
	}
	return arena_text_view(&made);
}

/* "answer:1:26": the line, and the offset in it. */
static const char *place_text(const struct run *r, size_t at)
{
	struct view text = r->template->text;
	size_t line = 1, start = 0;
	for (size_t i = 0; i < at; i++) {
		if (text.at[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	return arena_printf(r->arena, "%s:%zu:%zu", r->template->name, line, at - start);
}

static bool fail(struct run *r, const struct goinstruction *i, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool fail(struct run *r, const struct goinstruction *i, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	const char *text = arena_vprintf(r->arena, format, args);
	va_end(args);
	struct view shown = { r->template->text.at + i->from, i->length };
	shown = tidy(r->arena, shown);
	r->error = arena_printf(r->arena, "template: %s: executing \"%s\" at <%.*s>: %s",
		place_text(r, i->at), r->template->name, VIEW_ARGS(shown), text);
	return false;
}

static const char *type_text(const struct value *v)
{
	return v->kind == VALUE_OBJECT ? v->object.type->name : value_kind_name(v->kind);
}

/* --- values --- */

static struct value *top(struct run *r)
{
	return &r->stack[r->height - 1];
}

static void push(struct run *r, struct value v)
{
	r->stack[r->height++] = v;
}

static struct value pop(struct run *r)
{
	return r->stack[--r->height];
}

static bool print(struct run *r, const struct goinstruction *i)
{
	struct value v = pop(r);
	if (v.kind == VALUE_OBJECT && !v.object.type->print)
		return fail(r, i, "can't print a value of type %s", v.object.type->name);
	govalue_print(r->to, &v);
	return true;
}

/* --- fields, methods, functions --- */

static bool object_field(
	struct run *r, const struct goinstruction *i, const struct value *object, struct view name)
{
	const struct object_type *type = object->object.type;
	const char *why = NULL;
	struct value v;
	if (type->field && type->field(object->object.of, name, r->arena, &v)) {
		*top(r) = v;
		return true;
	}
	if (type->call && type->call(object->object.of, name, NULL, 0, r->arena, &v, &why)) {
		*top(r) = v;
		return true;
	}
	if (why)
		return fail(r, i, "%s", why);
	return fail(r, i, "can't evaluate field %.*s in type %s", VIEW_ARGS(name), type->name);
}

/* What a map has not, and what nil has, is nil. */
static bool field(struct run *r, const struct goinstruction *i)
{
	struct value base = *top(r), key = value_text(r->template->texts[i->operand]);
	switch (base.kind) {
	case VALUE_OBJECT:
		return object_field(r, i, &base, key.text);
	case VALUE_NIL:
		return true;
	case VALUE_MAP: {
		const struct value *found = value_map_get(&base, &key);
		*top(r) = found ? *found : (struct value){ 0 };
		return true;
	}
	default:
		return fail(r, i, "can't evaluate field %.*s in type %s", VIEW_ARGS(key.text),
			type_text(&base));
	}
}

/* The arguments of a call, the piped one last. They are taken off the stack, the receiver of a
 * method with them. */
static void take_arguments(struct run *r, const struct goinstruction *i, bool method,
	struct value *to, struct value *receiver)
{
	size_t given = i->count - (size_t)i->piped;
	r->height -= given;
	memcpy(to, &r->stack[r->height], given * sizeof *to);
	if (method)
		*receiver = pop(r);
	if (i->piped)
		to[given] = pop(r);
}

static bool method(struct run *r, const struct goinstruction *i)
{
	struct value arguments[GOCODE_ARGUMENTS_MAX + 1], receiver, v;
	struct view name = r->template->texts[i->operand];
	const char *why = NULL;
	take_arguments(r, i, true, arguments, &receiver);
	if (receiver.kind != VALUE_OBJECT)
		return fail(r, i, "%.*s is not a method but has arguments", VIEW_ARGS(name));
	const struct object_type *type = receiver.object.type;
	if (type->call &&
		type->call(receiver.object.of, name, arguments, i->count, r->arena, &v, &why)) {
		push(r, v);
		return true;
	}
	if (why)
		return fail(r, i, "%s", why);
	if (type->field && type->field(receiver.object.of, name, r->arena, &v))
		return fail(r, i, "%.*s has arguments but cannot be invoked as function",
			VIEW_ARGS(name));
	return fail(r, i, "can't evaluate field %.*s in type %s", VIEW_ARGS(name), type->name);
}

static bool count_fits(struct run *r, const struct goinstruction *i, const struct gofunction *f)
{
	if (i->count < f->least && f->least != f->most)
		return fail(r, i, "wrong number of args for %s: want at least %u got %u", f->name,
			f->least, i->count);
	if (i->count < f->least || (f->most != GOFUNCTION_ANY_NUMBER && i->count > f->most))
		return fail(r, i, "wrong number of args for %s: want %u got %u", f->name, f->most,
			i->count);
	return true;
}

static bool memory_taken(struct run *r, const struct goinstruction *i, size_t octets)
{
	r->memory += octets;
	return r->memory <= 16 * GOTEMPLATE_TEXT_MAX ||
	       fail(r, i, "the template takes too much memory");
}

static bool call(struct run *r, const struct goinstruction *i)
{
	const struct gofunction *f = &gofunctions[i->operand];
	struct value arguments[GOCODE_ARGUMENTS_MAX + 1], v;
	struct gocall c = { .arena = r->arena, .room = GOTEMPLATE_TEXT_MAX };
	take_arguments(r, i, false, arguments, NULL);
	if (!count_fits(r, i, f))
		return false;
	if (!f->call(&c, arguments, i->count, &v))
		return fail(r, i, "error calling %s: %s", f->name, c.error);
	if (v.kind == VALUE_STRING && !memory_taken(r, i, v.text.length))
		return false;
	push(r, v);
	return true;
}

/* --- with and range --- */

static struct frame *frame_new(struct run *r)
{
	struct frame *f = &r->frames[r->frame_count++];
	*f = (struct frame){ .before = r->dot };
	return f;
}

static void frame_leave(struct run *r)
{
	r->dot = r->frames[--r->frame_count].before;
}

static void jump_unless(struct run *r, bool condition, const struct goinstruction *i)
{
	if (!condition)
		r->place = i->operand;
}

/* Each template has as many frames as fit: those that call each other share the room. */
static bool frames_fit(struct run *r, const struct goinstruction *i)
{
	return r->frame_count < GOCODE_FRAMES_MAX || fail(r, i, "too deeply nested");
}

static bool with(struct run *r, const struct goinstruction *i)
{
	struct value v = pop(r);
	bool yes = govalue_is_true(&v);
	jump_unless(r, yes, i);
	if (yes && !frames_fit(r, i))
		return false;
	if (yes) {
		frame_new(r);
		r->dot = v;
	}
	return true;
}

/* The item that a range has come to: as the dot and in its variables (of two the first is the key).
 */
static void range_item(struct run *r, const struct frame *f)
{
	const struct value *items = f->over.list.items;
	struct value key = value_int((int64_t)f->index);
	switch (f->over.kind) {
	case VALUE_INT:
		r->dot = key;
		break;
	case VALUE_MAP:
		key = items[2 * f->index];
		r->dot = items[2 * f->index + 1];
		break;
	case VALUE_ARRAY:
		r->dot = items[f->index];
		break;
	default: /* nothing else is gone over */
		return;
	}
	if (f->variables == 2)
		r->variables[f->variable] = key;
	if (f->variables > 0)
		r->variables[f->variable + f->variables - 1] = r->dot;
}

/* Maps are gone over in the order of their keys. */
static struct value in_order(struct run *r, struct value over)
{
	size_t count = over.list.count;
	if (over.kind != VALUE_MAP || count < 2)
		return over;
	struct value *pairs = arena_array(r->arena, 2 * count, sizeof *pairs);
	memcpy(pairs, over.list.items, 2 * count * sizeof *pairs);
	for (size_t i = 1; i < count; i++) {
		struct value key = pairs[2 * i], item = pairs[2 * i + 1];
		size_t at = i;
		int order;
		for (; at > 0 && value_compare(&pairs[2 * at - 2], &key, &order) && order > 0; at--)
			memcpy(&pairs[2 * at], &pairs[2 * at - 2], 2 * sizeof *pairs);
		pairs[2 * at] = key;
		pairs[2 * at + 1] = item;
	}
	return value_map(pairs, count);
}

/* How many items a range goes over: a number is gone over from 0 up to it. */
static size_t item_count(const struct value *over)
{
	if (over->kind == VALUE_INT)
		return over->integer > 0 ? (size_t)over->integer : 0;
	return over->kind == VALUE_NIL ? 0 : over->list.count;
}

static bool range(struct run *r, const struct goinstruction *i)
{
	struct value over = pop(r);
	if (over.kind != VALUE_ARRAY && over.kind != VALUE_MAP && over.kind != VALUE_INT &&
		over.kind != VALUE_NIL) {
		struct arena_text printed = { .arena = r->arena, .limit = 256 };
		value_print(&printed, &over);
		return fail(r, i, "range can't iterate over %.*s",
			VIEW_ARGS(arena_text_view(&printed)));
	}
	bool some = item_count(&over) > 0;
	jump_unless(r, some, i);
	if (!some)
		return true;
	if (!frames_fit(r, i))
		return false;
	struct frame *f = frame_new(r);
	f->over = in_order(r, over);
	f->variable = i->variable;
	f->variables = i->count;
	range_item(r, f);
	return true;
}

static void range_next(struct run *r, const struct goinstruction *i)
{
	struct frame *f = &r->frames[r->frame_count - 1];
	if (++f->index == item_count(&f->over)) {
		frame_leave(r);
		return;
	}
	range_item(r, f);
	r->place = i->operand;
}

/* --- templates with a name --- */

static bool enter_template(struct run *r, const struct goinstruction *i)
{
	const struct gonamed *named = &r->template->templates[i->operand];
	struct value dot = pop(r);
	if (!named->defined)
		return fail(r, i, "template \"%.*s\" not defined", VIEW_ARGS(named->name));
	if (r->call_count == GOCODE_CALLS_MAX)
		return fail(r, i, "exceeded maximum template depth (%d)", GOCODE_CALLS_MAX);
	if (!memory_taken(r, i, r->template->variables * sizeof *r->variables))
		return false;
	r->calls[r->call_count++] = (struct called){ r->dot, r->variables, r->place, r->frame_count };
	r->variables = arena_array(r->arena, r->template->variables, sizeof *r->variables);
	r->variables[0] = r->dot = dot;
	r->place = named->place;
	return true;
}

static void leave_template(struct run *r)
{
	const struct called *c = &r->calls[--r->call_count];
	r->dot = c->dot;
	r->variables = c->variables;
	r->place = c->place;
	r->frame_count = c->frame_count;
}

/* --- instructions --- */

static bool keep(struct run *r, bool when, const struct goinstruction *i)
{
	if (govalue_is_true(top(r)) == when)
		r->place = i->operand;
	else
		r->height--;
	return true;
}

static bool step(struct run *r, const struct goinstruction *i)
{
	struct value v;
	switch ((enum gocode)i->code) {
	case GOCODE_TEXT:
		arena_text_add(r->to, r->template->texts[i->operand]);
		return true;
	case GOCODE_PRINT:
		return print(r, i);
	case GOCODE_CONSTANT:
		push(r, r->template->constants[i->operand]);
		return true;
	case GOCODE_DOT:
		push(r, r->dot);
		return true;
	case GOCODE_VARIABLE:
		push(r, r->variables[i->variable]);
		return true;
	case GOCODE_SET:
		r->variables[i->variable] = *top(r);
		return true;
	case GOCODE_FIELD:
		return field(r, i);
	case GOCODE_METHOD:
		return method(r, i);
	case GOCODE_CALL:
		return call(r, i);
	case GOCODE_FAIL:
		return fail(r, i, "%.*s", VIEW_ARGS(r->template->texts[i->operand]));
	case GOCODE_POP:
		r->height--;
		return true;
	case GOCODE_JUMP:
		r->place = i->operand;
		return true;
	case GOCODE_BRANCH:
		v = pop(r);
		jump_unless(r, govalue_is_true(&v), i);
		return true;
	case GOCODE_KEEP_IF_FALSE:
		return keep(r, false, i);
	case GOCODE_KEEP_IF_TRUE:
		return keep(r, true, i);
	case GOCODE_WITH:
		return with(r, i);
	case GOCODE_LEAVE:
		frame_leave(r);
		return true;
	case GOCODE_RANGE:
		return range(r, i);
	case GOCODE_RANGE_NEXT:
		range_next(r, i);
		return true;
	case GOCODE_TEMPLATE:
		return enter_template(r, i);
	case GOCODE_RETURN:
		leave_template(r);
		return true;
	}
	return fail(r, i, "unknown instruction");
}

bool gotemplate_run(const struct gotemplate *t, struct arena *arena, struct value data,
	struct arena_text *to, const char **why)
{
	struct run r = { .template = t, .arena = arena, .to = to, .dot = data };
	r.stack = arena_array(arena, t->stack_size, sizeof *r.stack);
	r.variables = arena_array(arena, t->variables, sizeof *r.variables);
	r.variables[0] = data;
	while (r.place < t->count) {
		const struct goinstruction *i = &t->code[r.place++];
		bool done = step(&r, i);
		if (done && to->cut)
			done = fail(&r, i, "the text is too long");
		if (done && ++r.steps > GOTEMPLATE_STEPS_MAX)
			done = fail(&r, i, "the template takes too long");
		if (!done) {
			*why = r.error;
			return false;
		}
	}
	return true;
}
