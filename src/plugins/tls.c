/* The certificate, and what is asked of clients, of the encrypted listeners of a block. */
#include "base/error.h"
#include "server/block.h"
#include "server/credentials.h"
#include "server/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct tls {
	struct credentials credentials;
	const char *keylog;
};

static void tls_init(struct setup *s)
{
	struct tls *t = s->state;
	t->credentials.settings.keylog = -1;
}

static bool tls_setup(struct setup *s)
{
	struct tls *t = s->state;
	struct tls_settings *settings = &t->credentials.settings;
	struct view *words;
	size_t count = args_rest(s, &words);
	if (count == 0)
		return setup_error(s, "certificates by ACME are known, but not built into this version: give CERT and KEY");
	if (count != 2 && count != 3)
		return setup_argument_error(s);
	settings->certificate = block_path(s->block, s->arena, words[0]);
	settings->key = block_path(s->block, s->arena, words[1]);
	settings->authorities = count == 3 ? block_path(s->block, s->arena, words[2]) : NULL;
	return true;
}

static bool read_client_auth(struct setup *s)
{
	static const char *const names[] = {
		[CLIENT_AUTH_NONE] = "nocert",
		[CLIENT_AUTH_REQUEST] = "request",
		[CLIENT_AUTH_REQUIRE] = "require",
		[CLIENT_AUTH_VERIFY_IF_GIVEN] = "verify_if_given",
		[CLIENT_AUTH_REQUIRE_AND_VERIFY] = "require_and_verify",
	};
	struct tls *t = s->state;
	struct view *words;
	if (args_rest(s, &words) != 1)
		return setup_argument_error(s);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (view_is(words[0], names[i])) {
			t->credentials.settings.client_auth = (enum client_auth)i;
			return true;
		}
	}
	return setup_error(s, "unknown authentication type '%.*s'", VIEW_ARGS(words[0]));
}

static bool read_keylog(struct setup *s)
{
	struct tls *t = s->state;
	struct view *words;
	if (args_rest(s, &words) != 1)
		return setup_argument_error(s);
	t->keylog = block_path(s->block, s->arena, words[0]);
	return true;
}

static void keylog_close(void *data)
{
	struct tls *t = data;
	close(t->credentials.settings.keylog);
}

/* Appending only, and the owner's alone: what stands in it opens all that was recorded. */
static bool keylog_open(struct setup *s)
{
	struct tls *t = s->state;
	sandbox_need(s->block->config, view_of(t->keylog), true);
	int fd = open(t->keylog, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return setup_error_plain(s, "unable to write TLS Key Log to \"%s\": open %s: %s", t->keylog,
			t->keylog, error_text(errno));
	t->credentials.settings.keylog = fd;
	arena_on_free(s->arena, keylog_close, t);
	plugin_warning(s->self, "Writing TLS Key Log to \"%s\"", t->keylog);
	return true;
}

static bool tls_finish(struct setup *s)
{
	struct tls *t = s->state;
	const char *why;
	s->block->tls = &t->credentials;
	setup_secret(s);
	if (s->checking)
		return true;
	if (t->keylog && !keylog_open(s))
		return false;
	return credentials_open(&t->credentials, s->arena, &why) || setup_error_plain(s, "%s", why);
}

static bool tls_start(struct plugin *self, struct plugin *before)
{
	struct tls *t = self->state, *old = before ? before->state : NULL;
	credentials_start(self, &t->credentials, old ? &old->credentials : NULL);
	return true;
}

static const struct option options[] = {
	{ .name = "client_auth",
		.arguments = "nocert|request|require|verify_if_given|require_and_verify",
		.fallback = "nocert",
		.help = "what is asked of clients: no certificate, any, or one that CA has issued",
		.read = read_client_auth },
	{ .name = "keylog",
		.arguments = "FILE",
		.help = "appends the secrets of every connection to FILE (NSS key log format), for debugging: whoever reads it can "
			"decrypt what was recorded",
		.read = read_keylog },
	{ 0 },
};

static const struct metric_family *const metrics[] = {
	&certificate_expiry,
	&certificate_days,
	&certificate_reloads,
	NULL,
};

PLUGIN(tls) = {
	.name = "tls",
	.arguments = "CERT KEY [CA]",
	.help = "sets the certificate of the block's encrypted listeners: tls://, https://, https3://, quic://, grpc://",
	.about = "CERT holds the server's certificate and then those of its issuers, KEY its private key, both in PEM; RSA and ECDSA "
		 "will do. CA holds the certificates that clients' certificates must come from; without it those count that the "
		 "system trusts. Versions are TLS 1.2 and 1.3. Without `tls`, tls://, https:// and grpc:// are served in the clear.\n\n"
		 "The files are looked at every 5 seconds and read again when what is in them has changed: a certificate that was "
		 "renewed is used for new connections, open ones go on. A new pair that cannot be used is refused with an error in "
		 "the log, and the one before it kept. Clients may resume sessions on all workers, over reloads and with a renewed "
		 "certificate, for a day at most, unless `client_auth` or CA has changed meanwhile.\n\n"
		 "Blocks that share a port may have different certificates: a client gets the one that is for the name that it asks for, "
		 "or else that of the first block. `client_auth` and CA must be the same in all of them.",
	.options = options,
	.metrics = metrics,
	.state_size = sizeof(struct tls),
	.init = tls_init,
	.setup = tls_setup,
	.finish = tls_finish,
	.start = tls_start,
};
