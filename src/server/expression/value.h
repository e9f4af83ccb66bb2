/*
 * Values of expressions and of templates: what a query, its metadata and constants are made of
 * there. A value is small and passed by copy; texts, lists and maps lie in the query's arena or in
 * the configuration, and never change.
 */
#ifndef ISTHMUS_SERVER_EXPRESSION_VALUE_H
#define ISTHMUS_SERVER_EXPRESSION_VALUE_H

#include "base/arena_text.h"

enum {
	VALUE_DEPTH_MAX = 32,
	VALUE_COMPARISONS_MAX = 20000,
};

enum value_kind {
	VALUE_NIL,
	VALUE_BOOL,
	VALUE_INT,
	VALUE_FLOAT,
	VALUE_STRING,
	VALUE_ARRAY,
	VALUE_MAP,
	VALUE_OBJECT, /* something with named fields, read when asked for; templates only */
	VALUE_KINDS,
};

struct value;

struct value_list {
	const struct value *items; /* of a map: key, value, key, value, ... */
	size_t count;		   /* of a map: pairs */
};

/* A kind of object: how its fields are read, and how Go calls its type in messages. */
struct object_type {
	const char *name;
	/* The field of this name, memory from the arena; false if there is none. */
	bool (*field)(const void *object, struct view name, struct arena *arena, struct value *to);
	/* A method of this name, called; false with *why, or with *why NULL if there is no such
	 * method. NULL: no methods. */
	bool (*call)(const void *object, struct view name, const struct value *arguments,
		size_t count, struct arena *arena, struct value *to, const char **why);
	/* As Go prints the whole of it; NULL: it cannot be printed. */
	void (*print)(const void *object, struct arena_text *to);
};

struct value {
	enum value_kind kind;
	union {
		bool boolean;
		int64_t integer;
		double real;
		struct view text;
		struct value_list list;
		struct {
			const struct object_type *type;
			const void *of;
		} object;
	};
};

static inline struct value value_bool(bool b)
{
	return (struct value){ .kind = VALUE_BOOL, .boolean = b };
}

static inline struct value value_int(int64_t n)
{
	return (struct value){ .kind = VALUE_INT, .integer = n };
}

static inline struct value value_float(double n)
{
	return (struct value){ .kind = VALUE_FLOAT, .real = n };
}

static inline struct value value_text(struct view text)
{
	return (struct value){ .kind = VALUE_STRING, .text = text };
}

static inline struct value value_array(const struct value *items, size_t count)
{
	return (struct value){ .kind = VALUE_ARRAY, .list = { items, count } };
}

static inline struct value value_map(const struct value *pairs, size_t count)
{
	return (struct value){ .kind = VALUE_MAP, .list = { pairs, count } };
}

static inline struct value value_object(const struct object_type *type, const void *of)
{
	return (struct value){ .kind = VALUE_OBJECT, .object = { type, of } };
}

static inline bool value_is_number(const struct value *v)
{
	return v->kind == VALUE_INT || v->kind == VALUE_FLOAT;
}

/* A number of either kind as floating point. */
static inline double value_real(const struct value *v)
{
	return v->kind == VALUE_INT ? (double)v->integer : v->real;
}

/* "int", "float64", "string", "[]interface {}", ...: as Go's messages call the kind; "<nil>" for
 * nil. */
const char *value_kind_name(enum value_kind kind);

/* Whether they are the same: numbers by size whatever their kind, arrays and maps item by item.
 * What is nested deeper than VALUE_DEPTH_MAX or has more than VALUE_COMPARISONS_MAX items in all is
 * never the same. */
bool value_equal(const struct value *a, const struct value *b);

/* The order of two numbers or two texts (by octets): *order negative, 0, positive; false for
 * anything else. */
bool value_compare(const struct value *a, const struct value *b, int *order);

/* The value that a map has for this key; NULL if it has none. */
const struct value *value_map_get(const struct value *map, const struct value *key);

/* As Go's %v prints it: "[a b]", "map[a:1 b:2]" in the order of the keys, "<nil>". */
void value_print(struct arena_text *to, const struct value *v);

#endif
