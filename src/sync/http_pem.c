/* PEM files in memory: those that were used last are kept for who comes next. */
#include "sync/http_pem.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { KEPT_MAX = 64 };

struct pem_file {
	struct pem_file *next;
	unsigned users;
	int fd;
	char path[32];
	size_t length;
	char content[];
};

static bool write_all(int fd, struct view content)
{
	while (content.length) {
		ssize_t n = write(fd, content.at, content.length);
		if (n <= 0)
			return false;
		content = view_skip(content, (size_t)n);
	}
	return true;
}

static void pem_file_free(struct pem_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	explicit_bzero(f->content, f->length);
	free(f);
}

static struct pem_file *pem_file_new(struct view content)
{
	struct pem_file *f = malloc(sizeof *f + content.length);
	if (!f)
		return NULL;
	*f = (struct pem_file){ .fd = memfd_create("pem", MFD_CLOEXEC), .length = content.length };
	memcpy(f->content, content.at, content.length);
	snprintf(f->path, sizeof f->path, "/proc/self/fd/%d", f->fd);
	if (f->fd >= 0 && write_all(f->fd, content))
		return f;
	pem_file_free(f);
	return NULL;
}

/* Those that nobody has are given up from the end, where the eldest stand. */
static void forget_some(struct pem_files *all)
{
	struct pem_file **at = &all->first, **unused = NULL;
	for (; *at; at = &(*at)->next) {
		if (!(*at)->users)
			unused = at;
	}
	if (!unused)
		return;
	struct pem_file *f = *unused;
	*unused = f->next;
	all->count--;
	pem_file_free(f);
}

struct pem_file *pem_file_take(struct pem_files *all, struct view content)
{
	struct pem_file *f = all->first;
	while (f && !view_equal((struct view){ f->content, f->length }, content))
		f = f->next;
	if (!f) {
		if (all->count >= KEPT_MAX)
			forget_some(all);
		f = pem_file_new(content);
		if (!f)
			return NULL;
		f->next = all->first;
		all->first = f;
		all->count++;
	}
	f->users++;
	return f;
}

void pem_file_drop(struct pem_file *f)
{
	if (f)
		f->users--;
}

const char *pem_file_path(const struct pem_file *f)
{
	return f->path;
}

void pem_files_free(struct pem_files *all)
{
	for (struct pem_file *f; (f = all->first);) {
		all->first = f->next;
		pem_file_free(f);
	}
	all->count = 0;
}
