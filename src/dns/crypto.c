/*
 * The cryptography library is libcrypto. It is loaded with its first use: a server without NSEC3 zones does not pay its
 * 3 MiB. Algorithms are fetched once: finding one by name at each use costs more than a digest of a name.
 */
#include "dns/crypto.h"

#include "base/memory.h"
#include <dlfcn.h>
#include <openssl/evp.h>
#include <pthread.h>

#define LIBRARY "libcrypto.so.3"

static struct {
	EVP_MD *sha1;
	int (*digest)(const void *data, size_t size, unsigned char *to, unsigned *length,
		const EVP_MD *type, ENGINE *engine);
} crypto;

/* POSIX lets dlsym's result be a function; ISO C has no cast for it. */
static void find(void *library, const char *name, void *function)
{
	*(void **)function = dlsym(library, name);
}

static void load(void)
{
	EVP_MD *(*fetch)(OSSL_LIB_CTX *context, const char *algorithm, const char *properties) = NULL;
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return;
	find(library, "EVP_MD_fetch", &fetch);
	find(library, "EVP_Digest", &crypto.digest);
	if (fetch && crypto.digest)
		crypto.sha1 = fetch(NULL, "SHA1", NULL);
}

bool crypto_ready(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, load);
	return crypto.sha1 != NULL;
}

void crypto_sha1(const void *data, size_t size, uint8_t digest[static SHA1_OCTETS])
{
	if (!crypto_ready() || !crypto.digest(data, size, digest, NULL, crypto.sha1, NULL))
		memory_exhausted(size);
}
