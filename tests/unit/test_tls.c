/* TLS credentials and sessions: a client's session speaks with a server's, without a network between them. */
#include "certificates.h"

#include "base/memory.h"
#include "net/tls_session.h"

#include <unistd.h>

/* --- files --- */

static char folder[64];

static const char *in_folder(const char *name)
{
	static char paths[256][128];
	static unsigned at;
	char *path = paths[at++ % 256];
	snprintf(path, sizeof paths[0], "%s/%s", folder, name);
	return path;
}

/* What the tests use; see make_files(). */
static struct issuer root, below, other;

static void write_pair(const char *name, const struct wanted *w, const struct issuer *by)
{
	char file[64];
	struct issuer i = certificate_new(w, by);
	snprintf(file, sizeof file, "%s.pem", name);
	certificate_write(in_folder(file), &i, "w");
	if (by == &below)
		certificate_write(in_folder(file), by, "a");
	snprintf(file, sizeof file, "%s-alone.pem", name);
	certificate_write(in_folder(file), &i, "w");
	snprintf(file, sizeof file, "%s-key.pem", name);
	key_write(in_folder(file), &i);
	issuer_free(&i);
}

static const uint8_t loopback[4] = { 127, 0, 0, 1 };

static int make_files(void **state)
{
	(void)state;
	time_t now = time(NULL);
	transports = &isthmus_transports;
	snprintf(folder, sizeof folder, "/tmp/test-tls-XXXXXX");
	assert_non_null(mkdtemp(folder));
	root = certificate_new(&(struct wanted){ .name = "root", .is_authority = true }, NULL);
	below = certificate_new(&(struct wanted){ .name = "below", .is_authority = true }, &root);
	/* Has the other's name, so that clients believe to be welcome with what it issues. */
	other = certificate_new(&(struct wanted){ .name = "root", .is_authority = true }, NULL);
	certificate_write(in_folder("root.pem"), &root, "w");
	certificate_write(in_folder("other.pem"), &other, "w");
	write_pair("server", &(struct wanted){ .name = "dns.example", .address = loopback }, &root);
	write_pair("chained", &(struct wanted){ .name = "dns.example" }, &below);
	write_pair("expired",
		&(struct wanted){ .name = "dns.example", .from = now - 7200, .until = now - 3600 }, &root);
	write_pair("client", &(struct wanted){ .name = "client.example", .for_clients = true }, &root);
	write_pair("stranger", &(struct wanted){ .name = "client.example", .for_clients = true }, &other);
	return 0;
}

static int remove_files(void **state)
{
	(void)state;
	char command[128];
	snprintf(command, sizeof command, "rm -r %s", folder);
	issuer_free(&root);
	issuer_free(&below);
	issuer_free(&other);
	return system(command);
}

/* --- two ends --- */

struct octets {
	uint8_t at[1 << 18];
	size_t length;
};

static void octets_add(void *owner, const uint8_t *octets, size_t length)
{
	struct octets *o = owner;
	assert_true(length <= sizeof o->at - o->length);
	memcpy(o->at + o->length, octets, length);
	o->length += length;
}

struct end {
	struct tls_session *session;
	struct octets sent, got; /* ciphertext on its way to the other end; plaintext that came */
};

struct pair {
	struct arena *arena;
	struct tls_credentials *server_credentials, *client_credentials;
	struct end server, client;
	const char *name; /* that the client wants */
	struct view resume;
};

/* Hands over what one end has sent, in pieces of so many octets. */
static bool carry(struct end *from, struct end *to, size_t piece)
{
	static uint8_t plain[(1 << 18) + TLS_RECORD_MAX];
	size_t length = from->sent.length, got;
	uint8_t *copy = memory_alloc(length + 1);
	memcpy(copy, from->sent.at, length);
	from->sent.length = 0;
	for (size_t at = 0; at < length; at += piece) {
		size_t n = length - at < piece ? length - at : piece;
		tls_session_receive(to->session, copy + at, n, plain, n + TLS_RECORD_MAX, &got);
		octets_add(&to->got, plain, got);
	}
	free(copy);
	return length > 0;
}

static void carry_all(struct pair *p, size_t piece)
{
	while (carry(&p->client, &p->server, piece) || carry(&p->server, &p->client, piece))
		;
}

static const char *const offered[] = { "dot", NULL };

static struct tls_credentials *load(struct pair *p, const struct tls_settings *s)
{
	const char *why = "";
	struct tls_credentials *c = tls_credentials_load(s, NULL, p->arena, &why);
	if (!c)
		fail_msg("%s", why);
	return c;
}

static struct tls_settings server_files(const char *name)
{
	char certificate[64], key[64];
	snprintf(certificate, sizeof certificate, "%s.pem", name);
	snprintf(key, sizeof key, "%s-key.pem", name);
	return (struct tls_settings){ .certificate = in_folder(certificate),
		.key = in_folder(key),
		.keylog = -1 };
}

static struct tls_settings client_trusting(const char *authorities)
{
	return (struct tls_settings){ .is_client = true,
		.authorities = in_folder(authorities),
		.keylog = -1 };
}

static void sessions_begin(struct pair *p)
{
	size_t none;
	p->server.session = tls_session_server(p->server_credentials, offered, false,
		(struct tls_output){ octets_add, &p->server.sent });
	p->client.session = tls_session_client(p->client_credentials,
		&(struct tls_peer){ .name = p->name, .alpn = offered, .resume = p->resume },
		(struct tls_output){ octets_add, &p->client.sent });
	p->client.got.length = p->server.got.length = 0;
	tls_session_receive(p->client.session, NULL, 0, (uint8_t[1]){ 0 }, 0, &none);
}

static struct pair *pair_new(const struct tls_settings *server, const struct tls_settings *client)
{
	struct pair *p = memory_array(1, sizeof *p);
	p->arena = arena_new(4096);
	p->name = "dns.example";
	p->server_credentials = load(p, server);
	p->client_credentials = load(p, client);
	return p;
}

static void sessions_end(struct pair *p)
{
	tls_session_free(p->server.session);
	tls_session_free(p->client.session);
	p->server.sent.length = p->client.sent.length = 0;
}

static void pair_free(struct pair *p)
{
	sessions_end(p);
	tls_credentials_release(p->server_credentials);
	tls_credentials_release(p->client_credentials);
	arena_free(p->arena);
	free(p);
}

static struct pair *usual_pair(void)
{
	struct tls_settings server = server_files("server"), client = client_trusting("root.pem");
	struct pair *p = pair_new(&server, &client);
	sessions_begin(p);
	return p;
}

static void assert_open(struct pair *p)
{
	assert_int_equal(tls_session_state(p->client.session), TLS_OPEN);
	assert_int_equal(tls_session_state(p->server.session), TLS_OPEN);
}

static void assert_refused_by_client(struct pair *p, enum tls_failure why)
{
	carry_all(p, 1 << 18);
	assert_int_equal(tls_session_state(p->client.session), TLS_FAILED);
	assert_int_equal(tls_session_failure(p->client.session), why);
	assert_int_equal(tls_session_state(p->server.session), TLS_FAILED);
	assert_int_equal(tls_session_failure(p->server.session), TLS_FAILURE_ALERT);
}

/* --- sessions --- */

static void it_carries_octets_both_ways(void **state)
{
	(void)state;
	struct pair *p = usual_pair();
	carry_all(p, 1 << 18);
	assert_open(p);
	assert_true(view_is(tls_session_alpn(p->client.session), "dot"));
	assert_true(view_is(tls_session_alpn(p->server.session), "dot"));
	assert_false(tls_session_resumed(p->server.session));
	tls_session_send(p->client.session, (const uint8_t *)"question", 8);
	carry_all(p, 1 << 18);
	tls_session_send(p->server.session, (const uint8_t *)"answer", 6);
	carry_all(p, 1 << 18);
	assert_int_equal(p->server.got.length, 8);
	assert_memory_equal(p->server.got.at, "question", 8);
	assert_int_equal(p->client.got.length, 6);
	assert_memory_equal(p->client.got.at, "answer", 6);
	pair_free(p);
}

static void records_may_come_in_any_pieces(void **state)
{
	(void)state;
	static uint8_t large[100000];
	for (size_t i = 0; i < sizeof large; i++)
		large[i] = (uint8_t)(i * 7);
	for (size_t piece = 1; piece < 40000; piece = piece * 5 + 2) {
		struct pair *p = usual_pair();
		carry_all(p, piece);
		assert_open(p);
		tls_session_send(p->client.session, large, sizeof large);
		carry_all(p, piece);
		assert_int_equal(p->server.got.length, sizeof large);
		assert_memory_equal(p->server.got.at, large, sizeof large);
		pair_free(p);
	}
}

static void one_send_is_one_record(void **state)
{
	(void)state;
	static uint8_t octets[TLS_RECORD_MAX];
	struct pair *p = usual_pair();
	carry_all(p, 1 << 18);
	tls_session_send(p->server.session, octets, sizeof octets);
	assert_int_equal(p->server.sent.at[0], 23);
	assert_int_equal(p->server.sent.length, 5 + (p->server.sent.at[3] << 8 | p->server.sent.at[4]));
	pair_free(p);
}

static void the_end_is_told(void **state)
{
	(void)state;
	struct pair *p = usual_pair();
	carry_all(p, 1 << 18);
	tls_session_send(p->client.session, (const uint8_t *)"last", 4);
	tls_session_end(p->client.session);
	carry(&p->client, &p->server, 1 << 18);
	assert_int_equal(p->server.got.length, 4);
	assert_int_equal(tls_session_state(p->server.session), TLS_ENDED);
	tls_session_send(p->server.session, (const uint8_t *)"answer", 6);
	tls_session_end(p->server.session);
	carry(&p->server, &p->client, 1 << 18);
	assert_int_equal(p->client.got.length, 6);
	pair_free(p);
}

static void a_session_can_be_resumed(void **state)
{
	(void)state;
	static uint8_t kept[4096];
	struct pair *p = usual_pair();
	assert_int_equal(tls_session_save(p->client.session, kept, sizeof kept), 0);
	carry_all(p, 1 << 18);
	p->resume = (struct view){ (char *)kept,
		tls_session_save(p->client.session, kept, sizeof kept) };
	assert_true(p->resume.length > 0);
	assert_int_equal(tls_session_save(p->client.session, kept, 1), 0);
	sessions_end(p);
	sessions_begin(p);
	carry_all(p, 1 << 18);
	assert_open(p);
	assert_true(tls_session_resumed(p->client.session));
	assert_true(tls_session_resumed(p->server.session));
	assert_true(view_is(tls_session_alpn(p->client.session), "dot"));
	pair_free(p);
}

/* Whether a session that began with credentials of `first` goes on with those of `second`. */
static bool resumes(struct tls_settings first, struct tls_settings second, bool keep)
{
	static uint8_t kept[4096];
	const char *why;
	struct tls_settings client = server_files("client");
	client.is_client = true;
	client.authorities = in_folder("root.pem");
	struct pair *p = pair_new(&first, &client);
	sessions_begin(p);
	carry_all(p, 1 << 18);
	assert_open(p);
	p->resume = (struct view){ (char *)kept,
		tls_session_save(p->client.session, kept, sizeof kept) };
	assert_true(p->resume.length > 0);
	struct tls_credentials *next = tls_credentials_load(
		&second, keep ? p->server_credentials : NULL, p->arena, &why);
	assert_non_null(next);
	sessions_end(p);
	tls_credentials_release(p->server_credentials);
	p->server_credentials = next;
	sessions_begin(p);
	carry_all(p, 1 << 18);
	assert_open(p);
	bool resumed = tls_session_resumed(p->server.session);
	pair_free(p);
	return resumed;
}

static void tickets_outlive_a_new_certificate_but_not_a_new_policy(void **state)
{
	(void)state;
	struct tls_settings plain = server_files("server"), strict = plain, stricter;
	strict.client_auth = CLIENT_AUTH_REQUIRE_AND_VERIFY;
	strict.authorities = in_folder("root.pem");
	assert_true(resumes(plain, server_files("chained"), true));
	assert_false(resumes(plain, plain, false));
	assert_false(resumes(plain, strict, true));
	assert_true(resumes(strict, strict, true));
	stricter = strict;
	strict.client_auth = CLIENT_AUTH_REQUEST;
	assert_false(resumes(strict, stricter, true));
}

/* --- whom a client believes --- */

static void a_chain_is_followed(void **state)
{
	(void)state;
	struct tls_settings server = server_files("chained"), client = client_trusting("root.pem");
	struct pair *p = pair_new(&server, &client);
	sessions_begin(p);
	carry_all(p, 1 << 18);
	assert_open(p);
	pair_free(p);
}

static void an_incomplete_chain_is_refused(void **state)
{
	(void)state;
	struct tls_settings server = server_files("chained"), client = client_trusting("root.pem");
	server.certificate = in_folder("chained-alone.pem");
	struct pair *p = pair_new(&server, &client);
	sessions_begin(p);
	assert_refused_by_client(p, TLS_FAILURE_UNTRUSTED);
	assert_string_equal(tls_session_error(p->client.session),
		"the certificate is not trusted: its issuer is unknown, or its chain is not complete");
	pair_free(p);
}

static void an_unknown_issuer_is_refused(void **state)
{
	(void)state;
	struct tls_settings server = server_files("server"), client = client_trusting("other.pem");
	struct pair *p = pair_new(&server, &client);
	sessions_begin(p);
	assert_refused_by_client(p, TLS_FAILURE_UNTRUSTED);
	pair_free(p);
}

static void an_expired_certificate_is_refused(void **state)
{
	(void)state;
	struct tls_settings server = server_files("expired"), client = client_trusting("root.pem");
	struct pair *p = pair_new(&server, &client);
	sessions_begin(p);
	assert_refused_by_client(p, TLS_FAILURE_EXPIRED);
	pair_free(p);
}

static void the_name_must_be_the_one_that_is_wanted(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		bool good;
	} cases[] = { { "dns.example", true }, { "DNS.example", true }, { "127.0.0.1", true },
		{ "other.example", false }, { "a.dns.example", false }, { "127.0.0.2", false },
		{ "example", false } };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct tls_settings server = server_files("server"), client = client_trusting("root.pem");
		struct pair *p = pair_new(&server, &client);
		p->name = cases[i].name;
		sessions_begin(p);
		if (cases[i].good) {
			carry_all(p, 1 << 18);
			assert_open(p);
		} else {
			assert_refused_by_client(p, TLS_FAILURE_NAME);
		}
		pair_free(p);
	}
}

/* --- whom a server believes --- */

static bool serves(enum client_auth auth, const char *client_pair)
{
	struct tls_settings server = server_files("server"), client = client_trusting("root.pem");
	server.client_auth = auth;
	server.authorities = in_folder("root.pem");
	if (client_pair) {
		client = server_files(client_pair);
		client.is_client = true;
		client.authorities = in_folder("root.pem");
	}
	struct pair *p = pair_new(&server, &client);
	sessions_begin(p);
	carry_all(p, 1 << 18);
	bool open = tls_session_state(p->server.session) == TLS_OPEN &&
		    tls_session_state(p->client.session) == TLS_OPEN;
	if (!open)
		assert_int_equal(tls_session_state(p->server.session), TLS_FAILED);
	pair_free(p);
	return open;
}

static void clients_are_asked_as_the_mode_says(void **state)
{
	(void)state;
	static const bool expected[][3] = {
		/* none, a valid one, one of a stranger */
		[CLIENT_AUTH_NONE] = { true, true, true },
		[CLIENT_AUTH_REQUEST] = { true, true, true },
		[CLIENT_AUTH_REQUIRE] = { false, true, true },
		[CLIENT_AUTH_VERIFY_IF_GIVEN] = { true, true, false },
		[CLIENT_AUTH_REQUIRE_AND_VERIFY] = { false, true, false },
	};
	for (enum client_auth a = CLIENT_AUTH_NONE; a <= CLIENT_AUTH_REQUIRE_AND_VERIFY; a++) {
		assert_int_equal(serves(a, NULL), expected[a][0]);
		assert_int_equal(serves(a, "client"), expected[a][1]);
		assert_int_equal(serves(a, "stranger"), expected[a][2]);
	}
}

static void what_is_no_tls_fails(void **state)
{
	(void)state;
	static const char *const texts[] = { "GET /dns-query HTTP/1.1\r\nHost: dns.example\r\n\r\n",
		"\x16\x03\x01\xff\xff\x01\x02\x03\x04\x05\x06\x07", "\x15\x03\x03\x00\x02\x02\x28" };
	static const size_t lengths[] = { 46, 12, 7 };
	for (size_t i = 0; i < 3; i++) {
		struct pair *p = usual_pair();
		size_t got;
		static uint8_t plain[TLS_RECORD_MAX + 100];
		tls_session_receive(
			p->server.session, (const uint8_t *)texts[i], lengths[i], plain, sizeof plain, &got);
		assert_int_equal(got, 0);
		if (i == 1) /* a length that no record has, or one that is waited for: never more than the connection's timer allows */
			assert_int_not_equal(tls_session_state(p->server.session), TLS_OPEN);
		else
			assert_int_equal(tls_session_state(p->server.session), TLS_FAILED);
		tls_session_send(p->server.session, (const uint8_t *)"x", 1);
		pair_free(p);
	}
}

/* --- files --- */

static const char *refusal(struct tls_settings s)
{
	static char text[512];
	const char *why = NULL;
	struct arena *a = arena_new(4096);
	assert_null(tls_credentials_load(&s, NULL, a, &why));
	snprintf(text, sizeof text, "%s", why);
	arena_free(a);
	return text;
}

static void bad_files_are_refused_with_their_names(void **state)
{
	(void)state;
	struct tls_settings s = server_files("server");
	s.key = in_folder("client-key.pem");
	assert_string_equal(refusal(s), "could not load TLS cert: tls: private key does not match public key");
	s = server_files("nothing");
	assert_non_null(strstr(refusal(s), "nothing.pem: no such file or directory"));
	s = server_files("server");
	s.certificate = in_folder("server-key.pem");
	assert_non_null(strstr(refusal(s), "server-key.pem must hold a certificate"));
	FILE *junk = fopen(in_folder("junk.pem"), "w");
	fputs("not a key", junk);
	fclose(junk);
	s = server_files("server");
	s.key = in_folder("junk.pem");
	assert_string_equal(refusal(s), "could not load TLS cert: tls: failed to find any PEM data in key input");
	s = server_files("server");
	s.certificate = in_folder("junk.pem");
	assert_string_equal(
		refusal(s), "could not load TLS cert: tls: failed to find any PEM data in certificate input");
	s = server_files("server");
	s.authorities = in_folder("server-key.pem");
	assert_non_null(strstr(refusal(s), "server-key.pem holds no certificate in PEM"));
}

static void the_expiry_is_the_first_certificates(void **state)
{
	(void)state;
	struct arena *a = arena_new(4096);
	struct tls_settings s = server_files("expired"), none = client_trusting("root.pem");
	const char *why;
	struct tls_credentials *c = tls_credentials_load(&s, NULL, a, &why);
	assert_in_range(time(NULL) - 3600 - tls_credentials_expires(c), 0, 60);
	tls_credentials_release(c);
	c = tls_credentials_load(&none, NULL, a, &why);
	assert_true(tls_credentials_expires(c) == INT64_MAX);
	tls_credentials_release(c);
	arena_free(a);
}

static void sessions_keep_their_credentials(void **state)
{
	(void)state;
	struct pair *p = usual_pair();
	tls_credentials_retain(p->server_credentials);
	tls_credentials_release(p->server_credentials);
	tls_credentials_release(p->server_credentials);
	carry_all(p, 1 << 18);
	assert_open(p);
	sessions_end(p);
	tls_credentials_release(p->client_credentials);
	arena_free(p->arena);
	free(p);
}

static void secrets_can_be_logged(void **state)
{
	(void)state;
	struct tls_settings server = server_files("server"), client = client_trusting("root.pem");
	FILE *f = tmpfile();
	char line[512] = "";
	server.keylog = fileno(f);
	struct pair *p = pair_new(&server, &client);
	sessions_begin(p);
	carry_all(p, 1 << 18);
	assert_open(p);
	pair_free(p);
	rewind(f);
	char label[64], random_text[65], secret[129];
	size_t lines = 0;
	while (fgets(line, sizeof line, f)) {
		assert_int_equal(sscanf(line, "%63s %64s %128s", label, random_text, secret), 3);
		assert_int_equal(strlen(random_text), 64);
		lines++;
	}
	assert_true(lines >= 4);
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_carries_octets_both_ways),
		cmocka_unit_test(records_may_come_in_any_pieces),
		cmocka_unit_test(one_send_is_one_record),
		cmocka_unit_test(the_end_is_told),
		cmocka_unit_test(a_session_can_be_resumed),
		cmocka_unit_test(tickets_outlive_a_new_certificate_but_not_a_new_policy),
		cmocka_unit_test(a_chain_is_followed),
		cmocka_unit_test(an_incomplete_chain_is_refused),
		cmocka_unit_test(an_unknown_issuer_is_refused),
		cmocka_unit_test(an_expired_certificate_is_refused),
		cmocka_unit_test(the_name_must_be_the_one_that_is_wanted),
		cmocka_unit_test(clients_are_asked_as_the_mode_says),
		cmocka_unit_test(what_is_no_tls_fails),
		cmocka_unit_test(bad_files_are_refused_with_their_names),
		cmocka_unit_test(the_expiry_is_the_first_certificates),
		cmocka_unit_test(sessions_keep_their_credentials),
		cmocka_unit_test(secrets_can_be_logged),
	};
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
