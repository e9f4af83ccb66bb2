/* Any octets as what a TLS client sends, in pieces: the session ends with a state, and takes nothing for more than was sent. */
#include "net/tls_session.h"

#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE_MAX_TRIED = 64 << 10 };

static void forget(void *owner, const uint8_t *octets, size_t length)
{
	(void)octets;
	*(size_t *)owner += length;
}

/* A server without certificate: enough to read what clients begin with. */
static struct tls_credentials *credentials(void)
{
	static struct tls_credentials *c;
	const char *why;
	transports = &isthmus_transports;
	if (!c) {
		struct arena *arena = arena_new(4096);
		c = tls_credentials_load(&(struct tls_settings){ .keylog = -1 }, NULL, arena, &why);
		arena_free(arena);
	}
	return c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t plain[SIZE_MAX_TRIED + TLS_RECORD_MAX];
	size_t sent = 0, got, piece = size ? (size_t)data[0] * 8 + 1 : 1;
	if (size > SIZE_MAX_TRIED)
		return 0;
	struct tls_session *s = tls_session_server(
		credentials(), NULL, false, (struct tls_output){ forget, &sent });
	MUST(s);
	for (size_t at = 1; at < size; at += piece) {
		size_t n = size - at < piece ? size - at : piece;
		uint8_t *copy = malloc(n);
		memcpy(copy, data + at, n);
		tls_session_receive(s, copy, n, plain, n + TLS_RECORD_MAX, &got);
		free(copy);
		MUST(got == 0); /* no handshake can end well */
	}
	MUST(tls_session_state(s) == TLS_HANDSHAKING || tls_session_state(s) == TLS_FAILED);
	MUST((tls_session_failure(s) == TLS_NO_FAILURE) == (tls_session_state(s) == TLS_HANDSHAKING));
	tls_session_send(s, data, size);
	tls_session_end(s);
	tls_session_free(s);
	return 0;
}
