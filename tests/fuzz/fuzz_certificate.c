/* Any octets as the files of a certificate, its key and its authorities: they are taken or refused, with a reason. */
#include "net/tls_credentials.h"

#include "fuzz.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ARENA_SIZE = 4096, SIZE_MAX_TRIED = 64 << 10 };

static void load(const struct tls_settings *settings)
{
	const char *why = NULL;
	struct arena *arena = arena_new(ARENA_SIZE);
	struct tls_credentials *c = tls_credentials_load(settings, NULL, arena, &why);
	MUST(c || why);
	if (c) {
		(void)tls_credentials_expires(c);
		tls_credentials_release(c);
	}
	arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	if (size > SIZE_MAX_TRIED)
		return 0;
	transports = &isthmus_transports;
	int fd = memfd_create("pem", MFD_CLOEXEC);
	MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	load(&(struct tls_settings){ .certificate = path, .key = path, .keylog = -1 });
	load(&(struct tls_settings){ .authorities = path,
		.client_auth = CLIENT_AUTH_REQUIRE_AND_VERIFY,
		.keylog = -1 });
	close(fd);
	return 0;
}
