/* Stacks for fibers. */
#include "net/stack.h"

#include "base/memory.h"
#include "net/sanitizers.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13; older C libraries do not know it */
#endif

enum {
	STACKS_A_SLAB = 64,
	STACK_DEFAULT = 64 << 10,
	STACK_SANITIZED = 256 << 10,
	STACKS_MAX = 32768,
	/* A guard page by mprotect() splits the mapping in two, and a process has 65,530 mappings. */
	STACKS_MAX_PROTECTED = 6000,
	/* ThreadSanitizer ends the process at some 8,000 fibers. */
	STACKS_MAX_THREAD_SANITIZER = 2000,
};

struct stack_slab {
	struct stack_slab *next;
	char *at;
	size_t size, used;
};

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

void stack_pool_init(struct stack_pool *p, size_t size)
{
	size_t page = page_size();
	if (size == 0)
		size = SANITIZE_ADDRESS || SANITIZE_THREAD ? STACK_SANITIZED : STACK_DEFAULT;
	*p = (struct stack_pool){
		.size = (size + page - 1) / page * page,
		.limit = SANITIZE_THREAD ? STACKS_MAX_THREAD_SANITIZER : STACKS_MAX,
	};
}

void stack_pool_free(struct stack_pool *p)
{
	while (p->slabs) {
		struct stack_slab *slab = p->slabs;
		p->slabs = slab->next;
		ASAN_UNPOISON_MEMORY_REGION(slab->at, slab->size);
		munmap(slab->at, slab->size);
		free(slab);
	}
	p->made = 0;
}

static bool slab_add(struct stack_pool *p)
{
	size_t size = STACKS_A_SLAB * (p->size + page_size());
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (at == MAP_FAILED)
		return false;
	madvise(at, size, MADV_NOHUGEPAGE); /* else one touched page makes 2 MiB resident */
	struct stack_slab *slab = memory_alloc(sizeof *slab);
	*slab = (struct stack_slab){ .next = p->slabs, .at = at, .size = size };
	p->slabs = slab;
	return true;
}

static bool guard_install(struct stack_pool *p, char *page)
{
	if (madvise(page, page_size(), MADV_GUARD_INSTALL) == 0)
		return true;
	if (p->limit > STACKS_MAX_PROTECTED)
		p->limit = STACKS_MAX_PROTECTED;
	return mprotect(page, page_size(), PROT_NONE) == 0;
}

void *stack_new(struct stack_pool *p)
{
	if (p->made >= p->limit)
		return NULL;
	if ((!p->slabs || p->slabs->used == STACKS_A_SLAB) && !slab_add(p))
		return NULL;
	struct stack_slab *slab = p->slabs;
	char *guard = slab->at + slab->used * (p->size + page_size());
	if (!guard_install(p, guard))
		return NULL;
	slab->used++;
	p->made++;
	return guard + page_size();
}

void stack_trim(void *base, const void *end)
{
	size_t page = page_size();
	size_t size = ((uintptr_t)end - (uintptr_t)base) / page * page;
	if (size)
		madvise(base, size, MADV_DONTNEED);
}
