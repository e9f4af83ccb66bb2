/* Loops: the functions with a predicate. A loop takes the array off the stack, runs the body on
 * each item, and leaves what it made. */
#include "server/expression/machine.h"

static struct loop *innermost(struct machine *m)
{
	return &m->loops[m->loop_count - 1];
}

static bool runs_backwards(const struct loop *l)
{
	return l->kind == LOOP_FIND_LAST || l->kind == LOOP_FIND_LAST_INDEX;
}

/* The place in the array of the item that the body runs on. */
static size_t position(const struct loop *l)
{
	return runs_backwards(l) ? l->array.count - 1 - l->index : l->index;
}

struct value machine_item(const struct machine *m)
{
	const struct loop *l = &m->loops[m->loop_count - 1];
	return l->array.items[position(l)];
}

/* --- what loops give --- */

/* Rows of key and item made a map from key to the items with it. */
static bool grouped(struct run *r, const struct loop *l, struct value *to)
{
	size_t count = l->array.count, groups = 0, done = 0;
	struct value *pairs = run_values(r, 2 * count), *items = run_values(r, count);
	bool *taken = (bool *)run_octets(r, count);
	if (!pairs || !items || !taken)
		return false;
	memset(taken, 0, count);
	for (size_t i = 0; i < count; i++) {
		if (taken[i])
			continue;
		size_t start = done;
		if (!run_spend(r, count - i))
			return false;
		for (size_t n = i; n < count; n++) {
			if (!taken[n] && value_equal(&l->made[2 * i], &l->made[2 * n])) {
				taken[n] = true;
				items[done++] = l->made[2 * n + 1];
			}
		}
		if (done == start) /* a key that is not even the same as itself */
			continue;
		pairs[2 * groups] = l->made[2 * i];
		pairs[2 * groups++ + 1] = value_array(&items[start], done - start);
	}
	*to = value_map(pairs, groups);
	return true;
}

static bool sorted(struct run *r, struct loop *l, struct value *to)
{
	size_t count = l->array.count;
	struct value *items = run_values(r, count);
	if (!items || !run_sort(r, l->made, count, 2, l->descending))
		return false;
	for (size_t i = 0; i < count; i++)
		items[i] = l->made[2 * i + 1];
	*to = value_array(items, count);
	return true;
}

/* What the loop gives when its bodies have all run. */
static bool result(struct run *r, struct loop *l, struct value *to)
{
	switch (l->kind) {
	case LOOP_ALL:
	case LOOP_NONE:
		*to = value_bool(true);
		return true;
	case LOOP_ANY:
		*to = value_bool(false);
		return true;
	case LOOP_ONE:
		*to = value_bool(l->matched == 1);
		return true;
	case LOOP_COUNT:
		*to = value_int((int64_t)l->matched);
		return true;
	case LOOP_FILTER:
		*to = value_array(l->made, l->matched);
		return true;
	case LOOP_MAP:
		*to = value_array(l->made, l->array.count);
		return true;
	case LOOP_FIND_INDEX:
	case LOOP_FIND_LAST_INDEX:
	case LOOP_FIND:
	case LOOP_FIND_LAST:
		*to = (struct value){ 0 };
		return true;
	case LOOP_GROUP_BY:
		return grouped(r, l, to);
	case LOOP_SORT_BY:
		return sorted(r, l, to);
	default:
		*to = l->accumulator;
		return true;
	}
}

static bool leave(struct machine *m, struct value v)
{
	m->place = innermost(m)->end;
	m->loop_count--;
	machine_push(m, v);
	return true;
}

/* Runs the body on the loop's item, or leaves the loop behind the last one. */
static bool go_on(struct machine *m)
{
	struct loop *l = innermost(m);
	if (l->index < l->array.count) {
		m->place = l->body;
		return run_spend(&m->run, 1);
	}
	struct value v;
	return result(&m->run, l, &v) && leave(m, v);
}

/* --- beginning --- */

static size_t room_needed(const struct loop *l)
{
	switch (l->kind) {
	case LOOP_FILTER:
	case LOOP_MAP:
		return l->array.count;
	case LOOP_GROUP_BY:
	case LOOP_SORT_BY:
		return 2 * l->array.count;
	default:
		return 0;
	}
}

static bool begin_accumulator(struct run *r, struct loop *l)
{
	if (l->kind == LOOP_SUM)
		l->accumulator = value_int(0);
	if (l->kind != LOOP_REDUCE)
		return true;
	if (l->array.count == 0)
		return run_fail(r, "reduce of an empty array needs an initial value");
	l->accumulator = l->array.items[0];
	l->index = 1;
	return true;
}

bool machine_loop(struct machine *m, const struct instruction *i)
{
	if (m->loop_count == CODE_LOOPS_MAX)
		return run_fail(&m->run, "too many loops");
	struct loop *l = &m->loops[m->loop_count];
	*l = (struct loop){ .kind = i->count, .body = i->operand, .end = m->place };
	if (l->kind == LOOP_REDUCE_FROM)
		l->accumulator = machine_pop(m);
	struct value order = l->kind == LOOP_SORT_BY ? machine_pop(m) : (struct value){ 0 };
	struct value array = machine_pop(m);
	if (array.kind != VALUE_ARRAY)
		return run_fail(&m->run, "%s is not an array", value_kind_name(array.kind));
	l->array = array.list;
	if (!run_order(&m->run, &order, &l->descending) || !begin_accumulator(&m->run, l))
		return false;
	l->made = run_values(&m->run, room_needed(l));
	m->loop_count++;
	return l->made && go_on(m);
}

/* --- bodies --- */

static bool add_to_sum(struct machine *m, struct loop *l, const struct value *given)
{
	if (!value_is_number(given))
		return run_fail(&m->run, "cannot sum %s", value_kind_name(given->kind));
	return machine_binary(&m->run, OP_ADD, &l->accumulator, given, &l->accumulator);
}

/* What a body gave, for the loops that ask it no yes or no. */
static bool take_value(struct machine *m, struct loop *l, const struct value *given)
{
	switch (l->kind) {
	case LOOP_MAP:
		l->made[l->index] = *given;
		return true;
	case LOOP_SUM:
		return add_to_sum(m, l, given);
	case LOOP_REDUCE:
	case LOOP_REDUCE_FROM:
		l->accumulator = *given;
		return true;
	default:
		l->made[2 * l->index] = *given;
		l->made[2 * l->index + 1] = machine_item(m);
		return true;
	}
}

static bool asks(enum loop_kind kind)
{
	switch (kind) {
	case LOOP_MAP:
	case LOOP_SUM:
	case LOOP_REDUCE:
	case LOOP_REDUCE_FROM:
	case LOOP_GROUP_BY:
	case LOOP_SORT_BY:
		return false;
	default:
		return true;
	}
}

/* Whether a body's yes or no settles the loop; then *to is what it gives. */
static bool settles(struct machine *m, struct loop *l, bool yes, struct value *to)
{
	switch (l->kind) {
	case LOOP_ALL:
		*to = value_bool(false);
		return !yes;
	case LOOP_NONE:
		*to = value_bool(false);
		return yes;
	case LOOP_ANY:
		*to = value_bool(true);
		return yes;
	case LOOP_FIND:
	case LOOP_FIND_LAST:
		*to = machine_item(m);
		return yes;
	case LOOP_FIND_INDEX:
	case LOOP_FIND_LAST_INDEX:
		*to = value_int((int64_t)position(l));
		return yes;
	default:
		return false;
	}
}

static bool take_answer(struct machine *m, struct loop *l, bool yes)
{
	struct value v;
	if (settles(m, l, yes, &v))
		return leave(m, v);
	if (yes && l->kind == LOOP_FILTER)
		l->made[l->matched] = machine_item(m);
	l->matched += yes;
	l->index++;
	return go_on(m);
}

bool machine_loop_next(struct machine *m)
{
	struct loop *l = innermost(m);
	struct value given = machine_pop(m);
	if (!asks(l->kind)) {
		if (!take_value(m, l, &given))
			return false;
		l->index++;
		return go_on(m);
	}
	if (given.kind != VALUE_BOOL)
		return run_fail(&m->run, "predicate should return boolean (got %s)",
			value_kind_name(given.kind));
	return take_answer(m, l, given.boolean);
}
