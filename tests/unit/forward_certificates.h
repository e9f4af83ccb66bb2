/* What tests of forwarding to encrypted upstreams share: certificates, good and bad, and a rig whose server has one. */
#ifndef ISTHMUS_TEST_FORWARD_CERTIFICATES_H
#define ISTHMUS_TEST_FORWARD_CERTIFICATES_H

#include "certificates.h"
#include "forward_rig.h"

#include "net/transports.h"

static char folder[64];
static struct issuer root, below, other;

static const char *in_folder(const char *name)
{
	static char paths[64][128];
	static unsigned at;
	char *path = paths[at++ % 64];
	snprintf(path, sizeof paths[0], "%s/%s", folder, name);
	return path;
}

static void write_pair(const char *name, const struct wanted *w, const struct issuer *by)
{
	char file[64];
	struct issuer i = certificate_new(w, by);
	snprintf(file, sizeof file, "%s.pem", name);
	certificate_write(in_folder(file), &i, "w");
	if (by == &below && strcmp(name, "incomplete") != 0)
		certificate_write(in_folder(file), by, "a");
	snprintf(file, sizeof file, "%s-key.pem", name);
	key_write(in_folder(file), &i);
	issuer_free(&i);
}

static int make_files(void **state)
{
	static const uint8_t loopback[4] = { 127, 0, 0, 1 };
	time_t now = time(NULL);
	(void)state;
	transports = &isthmus_transports;
	snprintf(folder, sizeof folder, "/tmp/test-forward-tls-XXXXXX");
	assert_non_null(mkdtemp(folder));
	root = certificate_new(&(struct wanted){ .name = "root", .is_authority = true }, NULL);
	below = certificate_new(&(struct wanted){ .name = "below", .is_authority = true }, &root);
	other = certificate_new(&(struct wanted){ .name = "other", .is_authority = true }, NULL);
	certificate_write(in_folder("root.pem"), &root, "w");
	certificate_write(in_folder("other.pem"), &other, "w");
	write_pair("address", &(struct wanted){ .name = "dns.example", .address = loopback }, &root);
	write_pair("named", &(struct wanted){ .name = "dns.example" }, &root);
	write_pair("chained", &(struct wanted){ .name = "dns.example" }, &below);
	write_pair("incomplete", &(struct wanted){ .name = "dns.example" }, &below);
	write_pair("expired",
		&(struct wanted){ .name = "dns.example", .from = now - 7200, .until = now - 3600 }, &root);
	write_pair("early",
		&(struct wanted){ .name = "dns.example", .from = now + 3600, .until = now + 7200 }, &root);
	write_pair("client", &(struct wanted){ .name = "client.example", .for_clients = true }, &root);
	return 0;
}

static int remove_files(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof command, "rm -r %s", folder);
	issuer_free(&root);
	issuer_free(&below);
	issuer_free(&other);
	return system(command);
}

static struct tls_credentials *server_credentials(const char *name, enum client_auth auth)
{
	char certificate[64], key[64];
	const char *why = "";
	struct arena *arena = arena_new(4096);
	snprintf(certificate, sizeof certificate, "%s.pem", name);
	snprintf(key, sizeof key, "%s-key.pem", name);
	struct tls_settings s = { .certificate = in_folder(certificate), .key = in_folder(key),
		.authorities = in_folder("root.pem"), .client_auth = auth, .keylog = -1 };
	struct tls_credentials *c = tls_credentials_load(&s, NULL, arena, &why);
	if (!c)
		fail_msg("%s", why);
	arena_free(arena);
	return c;
}

static void secure_rig_stop(struct rig *r)
{
	struct tls_credentials *c = r->server.credentials;
	rig_stop(r);
	if (c)
		tls_credentials_release(c);
}

static double counted(struct rig *r, enum upstream_event event)
{
	struct metric *m = rig_forward(r)->upstreams[0].events[event];
	return m ? metric_value(m) : 0;
}

#endif
