/* TLS credentials: read from PEM files once, then only read. */
#include "net/tls_gnutls.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/sha512.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/x509.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	FILE_MAX = 4 << 20,
	CHAIN_MAX = 8,        /* certificates in a peer's chain */
	KEY_BITS_MAX = 16384, /* of a certificate in it */
	SERVER_NAME_MAX = 256,
	HANDSHAKE_MAX = 64 << 10, /* octets of one message of a handshake */
};

struct tls_credentials {
	_Atomic unsigned references;
	bool is_client;
	enum client_auth client_auth;
	bool own_authorities; /* not the system's */
	int keylog;
	int64_t expires;
	gnutls_certificate_credentials_t certificates;
	gnutls_x509_crt_t own; /* the first of the own chain; NULL: there is none */
	struct tls_credentials **others; /* of a server: for clients that ask for a name that is in theirs, not in the own */
	size_t other_count;
	gnutls_datum_t ticket_key;
	uint8_t policy[SHA512_OCTETS]; /* of whom a server trusts: tickets are good only where it is the same */
};

/*
 * The versions and ciphers that CoreDNS takes. Signatures and keys of certificates have at least 112 bits of strength.
 */
static const char *const priority_texts[TLS_USES] = {
	[TLS_OVER_TCP] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:"
			 "-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-CBC:+AES-256-CBC:"
			 "-MAC-ALL:+AEAD:+SHA1:"
			 "-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1:"
			 "%SERVER_PRECEDENCE:%PROFILE_MEDIUM",
	[TLS_IN_QUIC] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:"
			"-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-CCM:"
			"-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1:"
			"%DISABLE_TLS13_COMPAT_MODE:%SERVER_PRECEDENCE:%PROFILE_MEDIUM",
};

/* Set by the first load, before any session is made. */
static gnutls_priority_t priorities[TLS_USES];

/* --- reading files --- */

struct reading {
	struct tls_credentials *credentials;
	struct arena *arena;
	const char *why;
};

static bool fail(struct reading *r, const char *why)
{
	r->why = why;
	return false;
}

/* `failed` begins the error. */
static bool read_file(
	struct reading *r, const char *path, const char *failed, gnutls_datum_t *to)
{
	struct view content;
	int error = file_read(r->arena, path, FILE_MAX, &content);
	if (error)
		return fail(r, arena_printf(r->arena, "%s: open %s: %s", failed, path, error_text(error)));
	*to = (gnutls_datum_t){ (unsigned char *)(uintptr_t)content.at, (unsigned)content.length };
	return true;
}

#define PAIR_FAILED "could not load TLS cert"

static bool has_pem(const gnutls_datum_t *text)
{
	static const char mark[] = "-----BEGIN ";
	return memmem(text->data, text->size, mark, sizeof mark - 1) != NULL;
}

/* What is wrong with a pair of files: CoreDNS's words where there are some. */
static const char *pair_error(struct reading *r, const struct tls_settings *s,
	const gnutls_datum_t *certificate, const gnutls_datum_t *key, int error)
{
	if (!has_pem(certificate))
		return PAIR_FAILED ": tls: failed to find any PEM data in certificate input";
	if (!has_pem(key))
		return PAIR_FAILED ": tls: failed to find any PEM data in key input";
	if (error == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		return PAIR_FAILED ": tls: private key does not match public key";
	return arena_printf(r->arena, PAIR_FAILED ": %s must hold a certificate and %s its key, both in PEM: %s",
		s->certificate, s->key, gnutls_strerror(error));
}

/* Certificates of a PEM text, in the order of a chain. Imported apart from the credentials: GnuTLS loses memory when it is given a
 * broken text whole. */
struct certificates {
	gnutls_x509_crt_t *list;
	unsigned count;
};

static int certificates_read(struct certificates *c, const gnutls_datum_t *pem, unsigned flags)
{
	*c = (struct certificates){ 0 };
	return gnutls_x509_crt_list_import2(&c->list, &c->count, pem, GNUTLS_X509_FMT_PEM, flags);
}

static void certificates_free(struct certificates *c)
{
	for (unsigned i = 0; i < c->count; i++)
		if (c->list[i])
			gnutls_x509_crt_deinit(c->list[i]);
	gnutls_free(c->list);
}

/* Whether the key is the certificate's. GnuTLS would find out, too, but loses memory then. */
static bool is_key_of(gnutls_x509_privkey_t key, gnutls_x509_crt_t certificate)
{
	enum { KEY_ID_MAX = 64 };
	unsigned char of_key[KEY_ID_MAX], of_certificate[KEY_ID_MAX];
	size_t key_length = KEY_ID_MAX, certificate_length = KEY_ID_MAX;
	return gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, of_key, &key_length) >= 0 &&
	       gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA256, of_certificate,
		       &certificate_length) >= 0 &&
	       key_length == certificate_length && memcmp(of_key, of_certificate, key_length) == 0;
}

/* Makes the pair the credentials' own. Gives GnuTLS's error. */
static int set_pair(struct tls_credentials *c, const gnutls_datum_t *certificate, const gnutls_datum_t *key)
{
	struct certificates chain;
	gnutls_x509_privkey_t own;
	int error = certificates_read(&chain, certificate, GNUTLS_X509_CRT_LIST_SORT);
	if (error < 0)
		return error;
	error = gnutls_x509_privkey_init(&own);
	if (error >= 0) {
		error = gnutls_x509_privkey_import2(own, key, GNUTLS_X509_FMT_PEM, NULL, 0);
		if (error >= 0)
			error = is_key_of(own, chain.list[0])
					? gnutls_certificate_set_x509_key(
						  c->certificates, chain.list, (int)chain.count, own)
					: GNUTLS_E_CERTIFICATE_KEY_MISMATCH;
		gnutls_x509_privkey_deinit(own);
	}
	c->expires = gnutls_x509_crt_get_expiration_time(chain.list[0]);
	c->own = chain.list[0];
	chain.list[0] = NULL;
	certificates_free(&chain);
	return error;
}

static bool read_pair(struct reading *r, const struct tls_settings *s)
{
	gnutls_datum_t certificate, key;
	if (!read_file(r, s->certificate, PAIR_FAILED, &certificate) ||
		!read_file(r, s->key, PAIR_FAILED, &key))
		return false;
	int error = set_pair(r->credentials, &certificate, &key);
	const char *why = error < 0 ? pair_error(r, s, &certificate, &key, error) : NULL;
	gnutls_memset(key.data, 0, key.size);
	return !why || fail(r, why);
}

static bool verifies(const struct tls_settings *s)
{
	return s->is_client || s->client_auth >= CLIENT_AUTH_VERIFY_IF_GIVEN;
}

/* Trusts the certificates of a PEM text; gives how many, 0 or less if there are none that can be used. */
static int trust(struct tls_credentials *c, const gnutls_datum_t *pem)
{
	struct certificates authorities;
	if (certificates_read(&authorities, pem, 0) < 0)
		return 0;
	int trusted = gnutls_certificate_set_x509_trust(
		c->certificates, authorities.list, (int)authorities.count);
	certificates_free(&authorities);
	return trusted;
}

static bool read_authorities(struct reading *r, const struct tls_settings *s)
{
	struct tls_credentials *c = r->credentials;
	gnutls_datum_t pem = { NULL, 0 };
	if (s->authorities) {
		const char *failed = arena_printf(r->arena, "error reading %s", s->authorities);
		if (!read_file(r, s->authorities, failed, &pem))
			return false;
		if (trust(c, &pem) <= 0)
			return fail(r, arena_printf(r->arena, "could not read root certs: %s holds no certificate in PEM",
					       s->authorities));
		c->own_authorities = true;
	} else if (verifies(s)) {
		int count = gnutls_certificate_set_x509_system_trust(c->certificates);
		if (count <= 0)
			return fail(r, "the system has no certificates of authorities to trust");
	}
	struct sha512 hash;
	sha512_begin(&hash);
	sha512_add(&hash, &s->client_auth, sizeof s->client_auth);
	sha512_add(&hash, pem.data, pem.size);
	sha512_end(&hash, c->policy);
	return true;
}

/* --- whom we accept --- */

/* Verifies a client's certificate; whether there must be one is not decided here. */
static int verify_client(gnutls_session_t session)
{
	unsigned count = 0, status = 0;
	if (!gnutls_certificate_get_peers(session, &count) || count == 0)
		return 0;
	gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT };
	int error = gnutls_certificate_verify_peers(session, &purpose, 1, &status);
	return error < 0 ? error : status ? GNUTLS_E_CERTIFICATE_ERROR : 0;
}

/* --- life --- */

static void credentials_free(struct tls_credentials *c)
{
	gnutls_certificate_free_credentials(c->certificates);
	if (c->own)
		gnutls_x509_crt_deinit(c->own);
	for (size_t i = 0; i < c->other_count; i++)
		credentials_free(c->others[i]);
	free(c->others);
	if (c->ticket_key.data) {
		gnutls_memset(c->ticket_key.data, 0, c->ticket_key.size);
		gnutls_free(c->ticket_key.data);
	}
	free(c);
}

static void credentials_retain(struct tls_credentials *c)
{
	atomic_fetch_add_explicit(&c->references, 1, memory_order_relaxed);
}

static void credentials_release(struct tls_credentials *c)
{
	if (atomic_fetch_sub_explicit(&c->references, 1, memory_order_acq_rel) == 1)
		credentials_free(c);
}

static int64_t credentials_expires(const struct tls_credentials *c)
{
	return c->expires;
}

/*
 * The key of tickets is that of the credentials before, if what is asked of clients has not changed: a ticket stands for what was
 * verified when it was given. GnuTLS derives keys from it by time, so that all workers use the same ones.
 */
static bool take_ticket_key(struct tls_credentials *c, const struct tls_credentials *before)
{
	if (c->is_client)
		return true;
	if (gnutls_session_ticket_key_generate(&c->ticket_key) < 0)
		return false;
	if (before && before->ticket_key.size == c->ticket_key.size &&
		memcmp(before->policy, c->policy, sizeof c->policy) == 0)
		memcpy(c->ticket_key.data, before->ticket_key.data, c->ticket_key.size);
	return true;
}

static bool prepare_priorities(void)
{
	for (size_t i = 0; i < TLS_USES; i++) {
		if (!priorities[i] && gnutls_priority_init2(&priorities[i], priority_texts[i], NULL, 0) < 0)
			return false;
	}
	return true;
}

static struct tls_credentials *credentials_load(const struct tls_settings *s,
	const struct tls_credentials *before, struct arena *arena, const char **why);

/* Like the own pair in all but the files. */
static bool read_others(struct reading *r, const struct tls_settings *s)
{
	struct tls_credentials *c = r->credentials;
	struct tls_settings like = *s;
	like.other_count = 0;
	c->others = s->other_count ? memory_array(s->other_count, sizeof *c->others) : NULL;
	for (size_t i = 0; i < s->other_count; i++) {
		like.certificate = s->others[i].certificate;
		like.key = s->others[i].key;
		struct tls_credentials *other = credentials_load(&like, NULL, r->arena, &r->why);
		if (!other)
			return false;
		c->others[c->other_count++] = other;
	}
	return true;
}

static bool read_all(
	struct reading *r, const struct tls_settings *s, const struct tls_credentials *before)
{
	struct tls_credentials *c = r->credentials;
	if (!prepare_priorities() || gnutls_certificate_allocate_credentials(&c->certificates) < 0)
		return fail(r, "GnuTLS cannot be used");
	gnutls_certificate_set_verify_limits(c->certificates, KEY_BITS_MAX, CHAIN_MAX);
	if (!s->is_client && s->client_auth >= CLIENT_AUTH_VERIFY_IF_GIVEN)
		gnutls_certificate_set_verify_function(c->certificates, verify_client);
	if ((s->certificate && !read_pair(r, s)) || !read_authorities(r, s) || !read_others(r, s))
		return false;
	return take_ticket_key(c, before) || fail(r, "no key for session tickets");
}

static struct tls_credentials *credentials_load(const struct tls_settings *s,
	const struct tls_credentials *before, struct arena *arena, const char **why)
{
	struct tls_credentials *c = memory_array(1, sizeof *c);
	*c = (struct tls_credentials){ .references = 1,
		.is_client = s->is_client,
		.client_auth = s->client_auth,
		.keylog = s->keylog,
		.expires = INT64_MAX };
	struct reading r = { .credentials = c, .arena = arena };
	if (read_all(&r, s, before))
		return c;
	*why = r.why;
	credentials_free(c);
	return NULL;
}

const struct tls_credentials_functions tls_credentials_functions = {
	.load = credentials_load,
	.retain = credentials_retain,
	.release = credentials_release,
	.expires = credentials_expires,
};

/* --- sessions --- */

static void print_hex(char *to, const gnutls_datum_t *octets, size_t most)
{
	for (unsigned i = 0; i < octets->size && i < most; i++)
		snprintf(to + 2 * (size_t)i, 3, "%02x", octets->data[i]);
}

/* A line of the NSS key log format. A whole line is one write: lines of several workers do not mix. */
static int log_secret(gnutls_session_t session, const char *label, const gnutls_datum_t *secret)
{
	const struct tls_credentials *c = gnutls_db_get_ptr(session);
	gnutls_datum_t client_random, server_random;
	char random_text[65] = "", secret_text[129] = "", line[320];
	gnutls_session_get_random(session, &client_random, &server_random);
	print_hex(random_text, &client_random, 32);
	print_hex(secret_text, secret, 64);
	int length = snprintf(line, sizeof line, "%s %s %s\n", label, random_text, secret_text);
	return write(c->keylog, line, (size_t)length) == length ? 0 : -1;
}

static int set_alpn(gnutls_session_t session, const char *const *alpn, unsigned flags)
{
	enum { PROTOCOLS_MAX = 8 };
	gnutls_datum_t protocols[PROTOCOLS_MAX];
	unsigned count = 0;
	for (; alpn && alpn[count] && count < PROTOCOLS_MAX; count++)
		protocols[count] = (gnutls_datum_t){ (unsigned char *)(uintptr_t)alpn[count],
			(unsigned)strlen(alpn[count]) };
	return count ? gnutls_alpn_set_protocols(session, protocols, count, flags) : 0;
}

static int set_up(gnutls_session_t session, struct tls_credentials *c, enum tls_use use)
{
	gnutls_db_set_ptr(session, c);
	gnutls_handshake_set_max_packet_length(session, HANDSHAKE_MAX);
	gnutls_handshake_set_timeout(session, 0); /* the connection's timer ends it */
	if (c->keylog >= 0)
		gnutls_session_set_keylog_function(session, log_secret);
	int error = gnutls_priority_set(session, priorities[use]);
	return error < 0 ? error
			 : gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, c->certificates);
}

/* Takes the first certificate that is for the name that the client asks for; the own one where none is. */
static int choose_certificate(gnutls_session_t session)
{
	const struct tls_credentials *c = gnutls_db_get_ptr(session);
	char name[SERVER_NAME_MAX];
	size_t length = sizeof name;
	unsigned type;
	if (gnutls_server_name_get(session, name, &length, &type, 0) < 0 || type != GNUTLS_NAME_DNS ||
		gnutls_x509_crt_check_hostname(c->own, name))
		return 0;
	for (size_t i = 0; i < c->other_count; i++)
		if (gnutls_x509_crt_check_hostname(c->others[i]->own, name))
			return gnutls_credentials_set(
				session, GNUTLS_CRD_CERTIFICATE, c->others[i]->certificates);
	return 0;
}

int tls_set_up_server(gnutls_session_t session, struct tls_credentials *c, enum tls_use use,
	const char *const *alpn, bool alpn_required)
{
	static const gnutls_certificate_request_t requests[] = {
		[CLIENT_AUTH_NONE] = GNUTLS_CERT_IGNORE,
		[CLIENT_AUTH_REQUEST] = GNUTLS_CERT_REQUEST,
		[CLIENT_AUTH_REQUIRE] = GNUTLS_CERT_REQUIRE,
		[CLIENT_AUTH_VERIFY_IF_GIVEN] = GNUTLS_CERT_REQUEST,
		[CLIENT_AUTH_REQUIRE_AND_VERIFY] = GNUTLS_CERT_REQUIRE,
	};
	gnutls_certificate_server_set_request(session, requests[c->client_auth]);
	/* Clients are told whose certificates are good, unless any is, or all are that the system knows. */
	if (!c->own_authorities || c->client_auth < CLIENT_AUTH_VERIFY_IF_GIVEN)
		gnutls_certificate_send_x509_rdn_sequence(session, 1);
	int error = set_up(session, c, use);
	if (c->other_count)
		gnutls_handshake_set_post_client_hello_function(session, choose_certificate);
	if (error >= 0)
		error = gnutls_session_ticket_enable_server(session, &c->ticket_key);
	/* A client that offers none is served; one that offers only others, as asked. */
	return error < 0 ? error
			 : set_alpn(session, alpn,
				   GNUTLS_ALPN_SERVER_PRECEDENCE |
					   (alpn_required ? GNUTLS_ALPN_MANDATORY : 0u));
}

/* SNI is for names only (RFC 6066 3). */
static bool is_address(const char *text)
{
	struct in6_addr any;
	return inet_pton(AF_INET, text, &any) == 1 || inet_pton(AF_INET6, text, &any) == 1;
}

/* Its name must be in the certificate, which must be for servers (RFC 5280 4.2.1.12), as Go's crypto/x509 has it, too. */
static void verify_always(
	gnutls_session_t session, const struct tls_peer *peer, struct tls_wanted *wanted)
{
	wanted->data[0] = (gnutls_typed_vdata_st){ .type = GNUTLS_DT_DNS_HOSTNAME,
		.data = (unsigned char *)(uintptr_t)peer->name };
	wanted->data[1] = (gnutls_typed_vdata_st){ .type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_SERVER };
	gnutls_session_set_verify_cert2(session, wanted->data, 2, 0);
}

int tls_set_up_client(gnutls_session_t session, struct tls_credentials *c, enum tls_use use,
	const struct tls_peer *peer, struct tls_wanted *wanted)
{
	int error = set_up(session, c, use);
	if (error >= 0 && !is_address(peer->name))
		error = gnutls_server_name_set(session, GNUTLS_NAME_DNS, peer->name, strlen(peer->name));
	if (error < 0)
		return error;
	verify_always(session, peer, wanted);
	if (peer->resume.length) /* what is not good any more is no error: a full handshake it is */
		gnutls_session_set_data(session, peer->resume.at, peer->resume.length);
	return set_alpn(session, peer->alpn, 0);
}

/* --- why it failed --- */

static enum tls_failure certificate_failure(gnutls_session_t session)
{
	unsigned status = gnutls_session_get_verify_cert_status(session);
	if (status & GNUTLS_CERT_UNEXPECTED_OWNER)
		return TLS_FAILURE_NAME;
	if (status & (GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED))
		return TLS_FAILURE_EXPIRED;
	return TLS_FAILURE_UNTRUSTED;
}

enum tls_failure tls_failure_of(gnutls_session_t session, int error)
{
	switch (error) {
	case GNUTLS_E_CERTIFICATE_ERROR:
	case GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR:
		return certificate_failure(session);
	case GNUTLS_E_CERTIFICATE_REQUIRED:
	case GNUTLS_E_NO_CERTIFICATE_FOUND:
		return TLS_FAILURE_NO_CERTIFICATE;
	case GNUTLS_E_FATAL_ALERT_RECEIVED:
		return TLS_FAILURE_ALERT;
	case GNUTLS_E_NO_APPLICATION_PROTOCOL:
		return TLS_FAILURE_ALPN;
	case GNUTLS_E_UNSUPPORTED_VERSION_PACKET:
	case GNUTLS_E_NO_CIPHER_SUITES:
	case GNUTLS_E_NO_COMMON_KEY_SHARE:
	case GNUTLS_E_INSUFFICIENT_SECURITY:
	case GNUTLS_E_NO_PRIORITIES_WERE_SET:
		return TLS_FAILURE_VERSION;
	default:
		return TLS_FAILURE_PROTOCOL;
	}
}

const char *tls_failure_text(enum tls_failure f)
{
	static const char *const texts[TLS_FAILURES] = {
		[TLS_NO_FAILURE] = "nothing is wrong",
		[TLS_FAILURE_PROTOCOL] = "what came is not valid TLS",
		[TLS_FAILURE_VERSION] = "no TLS version or cipher in common",
		[TLS_FAILURE_ALPN] = "no application protocol in common",
		[TLS_FAILURE_ALERT] = "the peer refused the connection by an alert",
		[TLS_FAILURE_NO_CERTIFICATE] = "the peer has no certificate",
		[TLS_FAILURE_UNTRUSTED] = "the certificate is not trusted: its issuer is unknown, or its chain is not complete",
		[TLS_FAILURE_EXPIRED] = "the certificate has expired or is not valid yet",
		[TLS_FAILURE_NAME] = "the certificate is for another name",
	};
	return texts[f];
}
