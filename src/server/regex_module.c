/*
 * The module lies where the executable's own place says: beside it in an installed tree
 * (../lib/isthmus) or in the build tree. No search path and no variable of the environment has a
 * say in what a server loads.
 */
#include "server/regex_module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

#define MODULE "isthmus-regex.so"

/* Relative to the executable's folder. */
static const char *const places[] = {
	"../" ISTHMUS_LIBDIR "/isthmus/" MODULE, "../lib/isthmus/" MODULE,
	"../server/" MODULE,	    /* src/cli in the build tree */
	"../../src/server/" MODULE, /* tests/unit in the build tree */
};

/* The executable's folder without its final slash; NULL if the kernel does not say. */
static char *executable_folder(struct arena *arena)
{
	char path[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path);
	if (length <= 0 || (size_t)length == sizeof path)
		return NULL;
	while (length > 0 && path[length - 1] != '/')
		length--;
	return arena_string(arena, (struct view){ path, length ? (size_t)length - 1 : 0 });
}

static const char *module_path(struct arena *arena, const char *folder)
{
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		const char *path = arena_printf(arena, "%s/%s", folder, places[i]);
		if (access(path, R_OK) == 0)
			return path;
	}
	return NULL;
}

static const struct regex_engine *load(struct arena *arena, const char **why)
{
	const char *folder = executable_folder(arena);
	const char *path = folder ? module_path(arena, folder) : NULL;
	if (!path) {
		*why = arena_printf(arena,
			"regular expressions need the module " MODULE ", which is not in %s/%s",
			folder ? folder : "", places[0]);
		return NULL;
	}
	void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct regex_engine *engine = module ? dlsym(module, REGEX_ENGINE_SYMBOL) : NULL;
	if (!engine)
		*why = arena_printf(
			arena, "cannot load the module for regular expressions: %s", dlerror());
	return engine;
}

const struct regex_engine *regex_engine_load(struct arena *arena, const char **why)
{
	static const struct regex_engine *engine;
	if (!engine)
		engine = load(arena, why);
	return engine;
}
