/*
 * Which files a server needs: its own, the system's, and those that stand in the Corefile. A file
 * is allowed by its folder, because editors and Kubernetes put a new file in the place of the old
 * one.
 */
#include "server/sandbox.h"

#include "base/log.h"
#include "base/map.h"
#include "net/sanitizers.h"
#include "server/process/confine.h"
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is read on behalf of libraries, of metrics, and in a cluster. */
static const char *const system_paths[] = {
	"/usr/lib",
	"/usr/lib64",
	"/usr/local/lib",
	"/usr/share",
	"/lib",
	"/lib64",
	"/etc/ld.so.cache",
	"/etc/ssl",
	"/etc/pki",
	"/etc/ca-certificates",
	"/etc/localtime",
	"/etc/hosts",
	"/etc/resolv.conf",
	"/etc/nsswitch.conf",
	"/etc/host.conf",
	"/etc/gai.conf",
	"/etc/gnutls",
	"/etc/crypto-policies",
	"/proc",
	"/sys/fs/cgroup",
	"/sys/devices/system/cpu",
	"/dev/urandom",
	"/dev/random",
	"/run/secrets",
	"/var/run/secrets",
};

/* Variables that name files of credentials and certificates. */
static const char *const variables[] = {
	"SSL_CERT_FILE",
	"SSL_CERT_DIR",
	"CURL_CA_BUNDLE",
	"AWS_CA_BUNDLE",
	"AWS_SHARED_CREDENTIALS_FILE",
	"AWS_CONFIG_FILE",
	"AWS_WEB_IDENTITY_TOKEN_FILE",
	"GOOGLE_APPLICATION_CREDENTIALS",
	"AZURE_FEDERATED_TOKEN_FILE",
	"AZURE_ENVIRONMENT_FILEPATH",
	"KUBECONFIG",
};

struct needed_path {
	struct needed_path *next;
	struct allowed_path path;
};

struct path_list {
	struct arena *arena;
	struct allowed_path *paths;
	size_t count, room;
	struct map places; /* path to its number + 1 */
	struct map words;  /* that were looked at: the same stand in many blocks */
};

/* What the sandbox lets through, for sandbox_review(); in an arena of its own. */
static struct path_list allowed;

static void list_add(struct path_list *l, const char *path, bool write)
{
	void **place = map_put(&l->places, l->arena, view_of(path));
	if (*place) {
		struct allowed_path *known = &l->paths[(size_t)*place - 1];
		known->write = known->write || write;
		return;
	}
	if (l->count == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		struct allowed_path *more = arena_array(l->arena, room, sizeof *more);
		if (l->count)
			memcpy(more, l->paths, l->count * sizeof *more);
		l->paths = more;
		l->room = room;
	}
	l->paths[l->count++] = (struct allowed_path){ path, write };
	*place = (void *)l->count;
}

/* The folder of a path; the path itself where that would be the root of all. */
static const char *folder_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');
	return !slash || slash == path ? path
			     : arena_string(a, (struct view){ path, (size_t)(slash - path) });
}

static bool is_folder(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static const char *absolute(struct arena *a, const char *path)
{
	char current[PATH_MAX];
	if (path[0] == '/' || !getcwd(current, sizeof current))
		return path;
	return arena_printf(a, "%s/%s", strcmp(current, "/") == 0 ? "" : current, path);
}

/* A file's folder, a folder itself, and where links lead to from there. */
static void add_place(struct path_list *l, const char *given, bool write)
{
	char real[PATH_MAX];
	const char *path = absolute(l->arena, given);
	list_add(l, is_folder(path) ? path : folder_of(l->arena, path), write);
	if (realpath(path, real) && strcmp(real, path) != 0) {
		const char *kept = arena_string(l->arena, view_of(real));
		list_add(l, is_folder(kept) ? kept : folder_of(l->arena, kept), write);
	}
}

/* --- what the Corefile names --- */

static const char *root_of(const struct server_block *b, struct arena *a)
{
	for (const struct directive *d = b->directives; d; d = d->next) {
		if (view_is(d->words[0].text, "root") && d->count > 1)
			return arena_string(a, d->words[1].text);
	}
	return NULL;
}

/* A word with a slash is a path if there is something of that name, or at least its folder; one
 * without if it is a file. */
static const char *path_of_word(struct path_list *l, const char *root, struct view word)
{
	struct stat st;
	struct arena *a = l->arena;
	if (word.length == 0 || word.length >= PATH_MAX)
		return NULL;
	const char *path = root && word.at[0] != '/'
				   ? arena_printf(a, "%s/%.*s", root, VIEW_ARGS(word))
				   : arena_string(a, word);
	path = absolute(a, path);
	void **seen = map_put(&l->words, a, view_of(path));
	if (*seen)
		return NULL;
	*seen = l;
	if (stat(path, &st) == 0)
		return strcmp(path, "/") == 0 ? NULL : path;
	if (view_find(word, '/') == word.length || strcmp(folder_of(a, path), "/") == 0)
		return NULL;
	return is_folder(folder_of(a, path)) ? path : NULL;
}

static void add_words(struct path_list *l, const struct directive *d, const char *root)
{
	for (size_t i = 1; i < d->count; i++) {
		const char *path = path_of_word(l, root, d->words[i].text);
		if (path)
			add_place(l, path, false);
	}
}

static void add_corefile(struct path_list *l, const struct corefile *corefile)
{
	const char *last_file = NULL;
	add_place(l, corefile->path, false);
	for (const struct server_block *b = corefile->blocks; b; b = b->next) {
		const char *root = root_of(b, l->arena);
		if (b->file != last_file)
			add_place(l, b->file, false);
		last_file = b->file;
		if (root)
			add_place(l, root, false);
		for (const struct directive *d = b->directives; d; d = d->next) {
			if (d->words[0].file != last_file)
				add_place(l, d->words[0].file, false);
			last_file = d->words[0].file;
			add_words(l, d, root);
			if (view_is(d->words[0].text, "hosts"))
				add_place(l, "/etc/hosts", false);
		}
	}
}

/* --- what the system needs --- */

/* Modules lie beside the executable, or in the library folder beside its folder. */
static void add_executable(struct path_list *l)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
	if (length <= 0)
		return;
	path[length] = 0;
	list_add(l, arena_printf(l->arena, "%s/..", folder_of(l->arena, path)), false);
}

static void add_system(struct path_list *l, const struct server_options *options)
{
	for (size_t i = 0; i < sizeof system_paths / sizeof system_paths[0]; i++)
		list_add(l, system_paths[i], false);
	for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
		const char *path = getenv(variables[i]);
		if (path && path[0])
			add_place(l, path, false);
	}
	list_add(l, "/dev/null", true);
	add_place(l, "/etc/resolv.conf", false);
	if (options->pidfile)
		list_add(l, folder_of(l->arena, absolute(l->arena, options->pidfile)), true);
	if (options->admin)
		list_add(l, folder_of(l->arena, absolute(l->arena, options->admin)), true);
	add_executable(l);
}

/* --- the sandbox --- */

void sandbox_need(struct config *config, struct view path, bool write)
{
	struct needed_path *n = arena_new_object(config->arena, struct needed_path);
	n->path = (struct allowed_path){ arena_string(config->arena, path), write };
	n->next = config->needed_paths;
	config->needed_paths = n;
}

static void say(const char *what, const char *why)
{
	if (why)
		log_warning("the sandbox has no %s: %s", what, why);
}

void sandbox_enter(const struct config *config, const struct server_options *options)
{
	if (SANITIZE_ADDRESS || SANITIZE_THREAD)
		return; /* they make calls of their own */
	allowed.arena = arena_new(16 * 1024);
	add_system(&allowed, options);
	add_corefile(&allowed, config->corefile);
	for (const struct needed_path *n = config->needed_paths; n; n = n->next)
		add_place(&allowed, n->path.path, n->path.write);
	say("restriction of files", confine_files(allowed.paths, allowed.count));
	say("filter of system calls", confine_calls());
}

/* Whether a path is one that is allowed, or below one. */
static bool is_allowed(const char *path)
{
	for (size_t i = 0; i < allowed.count; i++) {
		size_t length = strlen(allowed.paths[i].path);
		if (strncmp(path, allowed.paths[i].path, length) == 0 &&
			(path[length] == 0 || path[length] == '/'))
			return true;
	}
	return false;
}

void sandbox_review(const struct corefile *corefile)
{
	if (!allowed.arena)
		return;
	struct path_list wanted = { .arena = arena_new(4096) };
	add_corefile(&wanted, corefile);
	for (size_t i = 0; i < wanted.count; i++) {
		if (!is_allowed(wanted.paths[i].path))
			log_warning("the Corefile names %s, which the sandbox keeps out of reach: "
				    "start the "
				    "server anew to read it",
				wanted.paths[i].path);
	}
	arena_free(wanted.arena);
}
