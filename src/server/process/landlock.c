/* Landlock by its system calls: the header of the build's system may be older than the kernel it
 * runs on. */
#include "server/process/confine.h"

#include "base/error.h"
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

enum { ABI_OF_REFER = 2, ABI_OF_TRUNCATE = 3, CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };

/* Access rights, from the kernel's interface. */
#define RIGHT(n) (1ull << (n))
enum {
	EXECUTE,
	WRITE_FILE,
	READ_FILE,
	READ_DIR,
	REMOVE_DIR,
	REMOVE_FILE,
	MAKE_CHAR,
	MAKE_DIR,
	MAKE_REG,
	MAKE_SOCK,
	MAKE_FIFO,
	MAKE_BLOCK,
	MAKE_SYM,
	REFER,
	TRUNCATE,
};

static const uint64_t reading = RIGHT(READ_FILE) | RIGHT(READ_DIR);
static const uint64_t writing = RIGHT(WRITE_FILE) | RIGHT(REMOVE_FILE) | RIGHT(MAKE_DIR) |
				RIGHT(MAKE_REG) | RIGHT(REFER) | RIGHT(TRUNCATE);
static const uint64_t of_a_file = RIGHT(READ_FILE) | RIGHT(WRITE_FILE) | RIGHT(TRUNCATE);

struct ruleset_attributes {
	uint64_t handled_access_fs;
};

struct path_rule {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

/* All rights that this kernel knows of. */
static uint64_t known_rights(long abi)
{
	if (abi >= ABI_OF_TRUNCATE)
		return RIGHT(TRUNCATE + 1) - 1;
	return abi >= ABI_OF_REFER ? RIGHT(TRUNCATE) - 1 : RIGHT(REFER) - 1;
}

static void allow(int ruleset, const struct allowed_path *p, uint64_t known)
{
	struct stat st;
	int fd = open(p->path, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		if (fd >= 0)
			close(fd);
		return;
	}
	uint64_t rights = (p->write ? reading | writing : reading) & known;
	if (!S_ISDIR(st.st_mode))
		rights &= of_a_file;
	struct path_rule rule = { .allowed_access = rights, .parent_fd = fd };
	syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0);
	close(fd);
}

const char *confine_files(const struct allowed_path *paths, size_t count)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
	if (abi < 1)
		return error_text(errno);
	struct ruleset_attributes attributes = { .handled_access_fs = known_rights(abi) };
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
	if (ruleset < 0)
		return error_text(errno);
	for (size_t i = 0; i < count; i++)
		allow(ruleset, &paths[i], attributes.handled_access_fs);
	bool done = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		    syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
	int error = errno;
	close(ruleset);
	return done ? NULL : error_text(error);
}
