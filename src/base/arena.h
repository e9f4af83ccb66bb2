/*
 * Arenas: memory that is handed out piece by piece and taken back all at once.
 *
 * A query has one from its worker's pool, a configuration has one, a snapshot has one. What is handed out is
 * zeroed and aligned for any type. Running out of memory ends the process: the supervisor starts it anew, and no
 * caller has to be right about a case that cannot be tested.
 */
#ifndef ISTHMUS_BASE_ARENA_H
#define ISTHMUS_BASE_ARENA_H

#include "base/view.h"
#include <stdarg.h>

struct arena;

/* What arenas hand out, for the provers, which do not look into them: it is apart from everything else. */
/*@ axiomatic Arena {
      logic uint8_t *octet_pool;
      logic integer octet_pool_size;
    }
*/

/* A new arena whose blocks have at least block_size bytes. Belongs to the caller, one thread at a time. */
struct arena *arena_new(size_t block_size);

/* Gives all memory of the arena back; what it handed out is gone. NULL is allowed. */
void arena_free(struct arena *a);

/* Takes back all that was handed out, keeps the first block for what comes next. */
void arena_reset(struct arena *a);

/* size zeroed bytes, aligned for any type. Never NULL. */
void *arena_alloc(struct arena *a, size_t size) __attribute__((malloc, alloc_size(2), returns_nonnull));

/* count * size zeroed bytes; ends the process if the product overflows. */
void *arena_array(struct arena *a, size_t count, size_t size)
	__attribute__((malloc, alloc_size(2, 3), returns_nonnull));

/* size bytes that are *not* zeroed and not aligned: for octets that are written at once. */
void *arena_octets(struct arena *a, size_t size)
	__attribute__((malloc, alloc_size(2), returns_nonnull));

/* The same as octets, taken by the provers as it is said here. */
/*@ requires size <= 65535;
    terminates \true;
    assigns \nothing;
    ensures \valid(\result + (0 .. size - 1)) && \result != \null;
    ensures \subset(\result + (0 .. size - 1), octet_pool + (0 .. octet_pool_size - 1));
*/
static inline uint8_t *octets_from(struct arena *a, size_t size)
{
	return arena_octets(a, size);
}

/* A copy of v's bytes. */
struct view arena_copy(struct arena *a, struct view v);

/* A copy of v with a NUL behind it. */
char *arena_string(struct arena *a, struct view v);

/* The formatted text, NUL-terminated. */
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

/* Room for one more item behind the `count` there are, in an array of `*capacity` items of `size` octets: the array itself, or a
 * larger copy. The outgrown one stays in the arena. */
void *arena_grow(struct arena *a, void *array, size_t count, size_t *capacity, size_t size)
	__attribute__((returns_nonnull));

/* Runs run(data) when the arena is freed or reset, last registered first: for what is not memory. */
void arena_on_free(struct arena *a, void (*run)(void *data), void *data);

/* Bytes that the arena holds, for budgets and metrics. */
size_t arena_size(const struct arena *a);

/* One object of this type, zeroed. */
#define arena_new_object(a, type) ((type *)arena_alloc((a), sizeof(type)))

#endif
