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
	EVP_MD *sha1, *sha256;
	int (*digest)(const void *data, size_t size, unsigned char *to, unsigned *length,
		const EVP_MD *type, ENGINE *engine);
	unsigned char *(*hmac)(const EVP_MD *type, const void *key, int key_length, const unsigned char *data,
		size_t length, unsigned char *to, unsigned *to_length);
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
	find(library, "HMAC", &crypto.hmac);
	if (!fetch || !crypto.digest)
		return;
	crypto.sha1 = fetch(NULL, "SHA1", NULL);
	crypto.sha256 = fetch(NULL, "SHA256", NULL);
}

static void load_once(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, load);
}

bool crypto_ready(void)
{
	load_once();
	return crypto.sha1 != NULL;
}

bool crypto_sha256_ready(void)
{
	load_once();
	return crypto.sha256 && crypto.hmac;
}

void crypto_sha1(const void *data, size_t size, uint8_t digest[static SHA1_OCTETS])
{
	if (!crypto_ready() || !crypto.digest(data, size, digest, NULL, crypto.sha1, NULL))
		memory_exhausted(size);
}

void crypto_sha256(struct view data, uint8_t digest[static SHA256_OCTETS])
{
	if (!crypto_sha256_ready() || !crypto.digest(data.at, data.length, digest, NULL, crypto.sha256, NULL))
		memory_exhausted(data.length);
}

void crypto_hmac_sha256(struct view key, struct view data, uint8_t mac[static SHA256_OCTETS])
{
	if (!crypto_sha256_ready() || key.length > INT32_MAX ||
		!crypto.hmac(crypto.sha256, key.at, (int)key.length, (const unsigned char *)data.at, data.length,
			mac, NULL))
		memory_exhausted(key.length);
}
