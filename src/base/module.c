/* Finding and loading modules. */
#include "base/module.h"

#include <dlfcn.h>
#include <unistd.h>

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

static const char *module_path(
	struct arena *arena, const char *folder, const char *file, const char *built_in)
{
	const char *const places[] = {
		arena_printf(arena, "%s/../" ISTHMUS_LIBDIR "/isthmus/%s", folder, file),
		arena_printf(arena, "%s/../lib/isthmus/%s", folder, file),
		arena_printf(arena, "%s/../%s/%s", folder, built_in, file), /* from src/cli of the build tree */
		arena_printf(arena, "%s/../../src/%s/%s", folder, built_in, file), /* from tests/unit */
	};
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		if (access(places[i], R_OK) == 0)
			return places[i];
	}
	return NULL;
}

const void *module_load(struct arena *arena, const char *file, const char *built_in,
	const char *symbol, const char *what, const char **why)
{
	const char *folder = executable_folder(arena);
	const char *path = folder ? module_path(arena, folder, file, built_in) : NULL;
	if (!path) {
		*why = arena_printf(arena, "%s need the module %s, which is not in %s/../" ISTHMUS_LIBDIR "/isthmus",
			what, file, folder ? folder : "");
		return NULL;
	}
	void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const void *found = module ? dlsym(module, symbol) : NULL;
	if (!found)
		*why = arena_printf(arena, "%s need a module that cannot be loaded: %s", what, dlerror());
	return found;
}
