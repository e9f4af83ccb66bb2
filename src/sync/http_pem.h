/*
 * PEM data as files: libcurl over GnuTLS takes certificates and keys by path alone. Each content stands in memory of the
 * kernel's (memfd) under a path of /proc, the same for all transfers that have it, since the path is what tells libcurl
 * which connections may be shared.
 */
#ifndef ISTHMUS_SYNC_HTTP_PEM_H
#define ISTHMUS_SYNC_HTTP_PEM_H

#include "base/view.h"

struct pem_file;

/* Zeroed is empty. */
struct pem_files {
	struct pem_file *first;
	unsigned count;
};

/* A file with this content, which the caller drops. NULL: the kernel gives none. */
struct pem_file *pem_file_take(struct pem_files *all, struct view content);
void pem_file_drop(struct pem_file *f);

const char *pem_file_path(const struct pem_file *f);

/* Nobody has one any more. */
void pem_files_free(struct pem_files *all);

#endif
