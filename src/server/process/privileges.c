/* Users and capabilities (capabilities(7)), without libcap: three system calls. */
#include "server/process/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

bool identity_find(const char *user, struct identity *to)
{
	const struct passwd *entry = getpwnam(user);
	if (!entry)
		return false;
	*to = (struct identity){ user, entry->pw_uid, entry->pw_gid };
	return true;
}

static uint64_t bit(unsigned capability)
{
	return 1ull << capability;
}

/* Keeps those of the process's capabilities that are in `wanted`. */
static bool keep(uint64_t wanted)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
	if (syscall(SYS_capget, &header, data) < 0)
		return false;
	for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted &= (uint32_t)(wanted >> 32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, data) == 0;
}

/* What another user was given, by a capability of the executable's file or by who started it. */
static bool keep_as_another_user(void)
{
	return keep(bit(CAP_NET_BIND_SERVICE) | bit(CAP_DAC_READ_SEARCH));
}

bool privileges_keep_for_supervisor(void)
{
	if (geteuid() != 0)
		return keep_as_another_user();
	return keep(bit(CAP_NET_BIND_SERVICE) | bit(CAP_KILL) | bit(CAP_SETUID) | bit(CAP_SETGID) |
		    bit(CAP_DAC_READ_SEARCH));
}

static bool become(const struct identity *to)
{
	return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 && initgroups(to->user, to->gid) == 0 &&
	       setresgid(to->gid, to->gid, to->gid) == 0 &&
	       setresuid(to->uid, to->uid, to->uid) == 0;
}

bool privileges_keep_for_server(const struct identity *to)
{
	if (geteuid() != 0)
		return keep_as_another_user();
	if (to && to->uid != 0)
		return become(to) && keep(bit(CAP_NET_BIND_SERVICE));
	return keep(bit(CAP_NET_BIND_SERVICE) | bit(CAP_DAC_READ_SEARCH));
}
