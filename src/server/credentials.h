/*
 * TLS credentials that follow their files: a certificate that was renewed is used without a restart. For `tls` and for plugins
 * that are TLS clients. A pair that cannot be used is refused with an error in the log, and the one before it kept.
 */
#ifndef ISTHMUS_SERVER_CREDENTIALS_H
#define ISTHMUS_SERVER_CREDENTIALS_H

#include "net/tls_credentials.h"
#include "server/plugin.h"

#include <stdatomic.h>

/* Part of a plugin's state. Control thread, but for credentials_now(). */
struct credentials {
	struct tls_settings settings; /* set by the plugin */
	_Atomic(struct tls_credentials *) now;
	uint8_t digest[64]; /* of the files as they were read last, good or not */
	uint64_t read_at;   /* when the key of tickets was new */
	bool grown;         /* others were added since it was opened */
	struct credentials *next; /* all whose expiry is shown */
};

/*
 * Reads the files (and loads the module of transports); false with *why in the arena, in CoreDNS's words where it has some. They are
 * given back with the configuration.
 */
bool credentials_open(struct credentials *c, struct arena *arena, const char **why);

/* Whether both ask the same of clients, so that one listener can serve both. */
bool credentials_agree(const struct credentials *a, const struct credentials *b);

/* Lets clients have the certificate of `other`, too, if that is for the name that they ask for. To be opened again. */
void credentials_add(struct credentials *c, struct arena *arena, const struct credentials *other);

/* Reads the files again, after others were added; as credentials_open(). */
bool credentials_reopen(struct credentials *c, struct arena *arena, const char **why);

/* From start(): takes the keys of session tickets over from the credentials that these replace, if there are any (`before` may be
 * NULL), and looks for changed files from now on. */
void credentials_start(struct plugin *self, struct credentials *c, struct credentials *before);

/* What a new connection uses; stays valid until the query or the loop's round in hand ends, and longer with a reference. Any
 * thread. */
static inline struct tls_credentials *credentials_now(struct credentials *c)
{
	return atomic_load_explicit(&c->now, memory_order_acquire);
}

/* What is counted, for documentation. */
extern const struct metric_family certificate_expiry, certificate_days, certificate_reloads;

#endif
