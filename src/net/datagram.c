/* The pool of datagrams. */
#include "net/datagram.h"

#include "base/memory.h"
#include "net/sanitizers.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { DATAGRAMS_A_SLAB = 64 };

struct datagram_slab {
	struct datagram_slab *next;
	struct datagram *at;
	unsigned fresh; /* from here on none was ever taken */
	unsigned taken;
};

static const size_t slab_size = DATAGRAMS_A_SLAB * sizeof(struct datagram);

static void slab_add(struct datagram_pool *p)
{
	struct datagram_slab *slab = memory_array(1, sizeof *slab);
	slab->at = mmap(NULL, slab_size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (slab->at == MAP_FAILED)
		memory_exhausted(slab_size);
	madvise(slab->at, slab_size, MADV_NOHUGEPAGE);
	slab->next = p->slabs;
	p->slabs = slab;
}

struct datagram *datagram_take(struct datagram_pool *p)
{
	struct datagram *d = p->spare;
	if (d) {
		p->spare = d->next;
	} else {
		if (!p->slabs || p->slabs->fresh == DATAGRAMS_A_SLAB)
			slab_add(p);
		d = &p->slabs->at[p->slabs->fresh++];
		d->slab = p->slabs;
	}
	d->slab->taken++;
	return d;
}

void datagram_put(struct datagram_pool *p, struct datagram *d)
{
	ASAN_UNPOISON_MEMORY_REGION(d->wire, sizeof d->wire);
	d->slab->taken--;
	d->next = p->spare;
	p->spare = d;
}

static void slab_free(struct datagram_slab *slab)
{
	ASAN_UNPOISON_MEMORY_REGION(slab->at, slab_size);
	munmap(slab->at, slab_size);
	free(slab);
}

/* A slab that nothing is taken from, behind the first such one, which is kept. */
static struct datagram_slab *unneeded(const struct datagram_slab *slab)
{
	bool kept = false;
	for (; slab; slab = slab->next) {
		if (slab->taken)
			continue;
		if (kept)
			return (struct datagram_slab *)(uintptr_t)slab;
		kept = true;
	}
	return NULL;
}

static void slab_remove(struct datagram_pool *p, struct datagram_slab *slab)
{
	for (struct datagram **link = &p->spare; *link;) {
		if ((*link)->slab == slab)
			*link = (*link)->next;
		else
			link = &(*link)->next;
	}
	struct datagram_slab **link = &p->slabs;
	while (*link != slab)
		link = &(*link)->next;
	*link = slab->next;
	slab_free(slab);
}

void datagram_pool_trim(struct datagram_pool *p)
{
	struct datagram_slab *slab;
	while ((slab = unneeded(p->slabs)))
		slab_remove(p, slab);
}

void datagram_pool_free(struct datagram_pool *p)
{
	while (p->slabs) {
		struct datagram_slab *slab = p->slabs;
		p->slabs = slab->next;
		slab_free(slab);
	}
	p->spare = NULL;
}
