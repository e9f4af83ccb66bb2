/* Pages of the program's files. */
#include "base/program.h"

#include <link.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Segments that are never written to: relocated pages are in others, which have no file to come back from. */
static int return_segments(struct dl_phdr_info *object, size_t size, void *data)
{
	uintptr_t page = *(const uintptr_t *)data;
	(void)size;
	for (unsigned i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		if (segment->p_type != PT_LOAD || segment->p_flags & PF_W)
			continue;
		uintptr_t from = (object->dlpi_addr + segment->p_vaddr) & ~(page - 1);
		uintptr_t to = object->dlpi_addr + segment->p_vaddr + segment->p_filesz;
		madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 0;
}

void program_pages_return(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	dl_iterate_phdr(return_segments, &page);
}
