/* Reading files in one go; pages of text that is done with are given back. */
#include "zone/file_text.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	ROOM = 1 << 16, /* beyond the size that the file says, and for files that have none */
	RELEASE_STEP = 1 << 20,
};

static bool grow(struct file_text *t, size_t capacity)
{
	void *at = t->at ? mremap(t->at, t->capacity, capacity, MREMAP_MAYMOVE)
			 : mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				   -1, 0);
	if (at == MAP_FAILED)
		return false;
	t->at = at;
	t->capacity = capacity;
	return true;
}

static bool read_all(struct file_text *t, int fd)
{
	if (fstat(fd, &t->before) != 0 || !grow(t, (size_t)t->before.st_size + ROOM))
		return false;
	for (;;) {
		if (t->length == t->capacity && !grow(t, t->capacity * 2))
			return false;
		ssize_t n = read(fd, t->at + t->length, t->capacity - t->length);
		if (n == 0)
			return fstat(fd, &t->after) == 0;
		if (n > 0)
			t->length += (size_t)n;
		else if (errno != EINTR)
			return false;
	}
}

enum file_text_step file_text_read(struct file_text *t, const char *path)
{
	*t = (struct file_text){ 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return FILE_TEXT_OPEN;
	bool done = read_all(t, fd);
	int error = errno;
	close(fd);
	if (done)
		return FILE_TEXT_DONE;
	file_text_free(t);
	errno = error;
	return FILE_TEXT_READ;
}

void file_text_release(struct file_text *t, size_t until)
{
	until &= ~(size_t)(RELEASE_STEP - 1);
	if (until <= t->released)
		return;
	madvise(t->at + t->released, until - t->released, MADV_DONTNEED);
	t->released = until;
}

void file_text_free(struct file_text *t)
{
	if (t->at)
		munmap(t->at, t->capacity);
	*t = (struct file_text){ 0 };
}
