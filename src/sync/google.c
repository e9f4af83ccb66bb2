/* Finding credentials. */
#include "sync/google.h"

#include "base/file.h"
#include "sync/google_account.h"
#include <stdlib.h>
#include <unistd.h>

static const char default_metadata[] = "169.254.169.254";
static const char default_universe[] = "googleapis.com";

const char google_no_credentials[] =
	"credentials: could not find default credentials. See "
	"https://cloud.google.com/docs/authentication/external/set-up-adc for more information";

static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

static const char *gcloud_file(struct arena *arena)
{
	const char *home = variable("HOME");
	const char *path =
		home ? arena_printf(arena, "%s/.config/gcloud/application_default_credentials.json", home) : NULL;
	return path && access(path, R_OK) == 0 ? path : NULL;
}

/* What the firmware says of the machine. */
static bool is_google_machine(struct arena *arena)
{
	struct view name;
	if (file_read(arena, "/sys/class/dmi/id/product_name", 256, &name) != 0)
		return false;
	name = view_trim(name);
	return view_is(name, "Google") || view_is(name, "Google Compute Engine");
}

/* Keeps what is no secret. */
static void keep(struct google_credentials *c, struct arena *arena, const struct google_account *a)
{
	const struct google_subject *subject = a->source ? &a->source->subject : &a->subject;
	if (a->universe.length)
		c->universe = arena_string(arena, a->universe);
	if (a->quota_project.length)
		c->quota_project = arena_string(arena, a->quota_project);
	if (subject->file.length)
		c->subject_file = arena_string(arena, subject->file);
}

static bool use_file(struct google_credentials *c, struct arena *arena, const char *path, const char **why)
{
	struct arena *secrets = arena_new(4096);
	struct google_account account;
	c->file = arena_string(arena, view_of(path));
	bool read = google_account_load(&account, secrets, path, why);
	if (read)
		keep(c, arena, &account);
	else
		*why = arena_string(arena, view_of(*why));
	arena_free(secrets);
	return read;
}

static bool use_metadata(struct google_credentials *c, struct arena *arena, const char **why)
{
	const char *host = variable("GCE_METADATA_HOST"), *unchecked = variable("NO_GCE_CHECK");
	c->metadata = host ? arena_string(arena, view_of(host)) : default_metadata;
	c->metadata_is_known = host || is_google_machine(arena);
	if (c->metadata_is_known || !unchecked || strcmp(unchecked, "true") != 0)
		return true;
	*why = google_no_credentials;
	return false;
}

bool google_credentials_find(struct google_credentials *c, struct arena *arena, const char *file, const char **why)
{
	const char *quota = variable("GOOGLE_CLOUD_QUOTA_PROJECT"), *universe = variable("GOOGLE_CLOUD_UNIVERSE_DOMAIN");
	c->universe = default_universe;
	if (!file)
		file = variable("GOOGLE_APPLICATION_CREDENTIALS");
	if (!file)
		file = gcloud_file(arena);
	if (file ? !use_file(c, arena, file, why) : !use_metadata(c, arena, why))
		return false;
	if (quota)
		c->quota_project = arena_string(arena, view_of(quota));
	if (strcmp(c->universe, universe ? universe : default_universe) == 0)
		return true;
	*why = arena_printf(arena,
		"the configured universe domain (\"%s\") does not match the universe domain found in the credentials "
		"(\"%s\")",
		universe ? universe : default_universe, c->universe);
	return false;
}
