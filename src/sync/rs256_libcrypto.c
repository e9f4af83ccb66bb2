/* RS256 by libcrypto. */
#include "sync/rs256.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

/* A key that needs a password is none of ours; without this libcrypto would ask for it on the terminal. */
static int no_password(char *to, int room, int writing, void *unused)
{
	(void)to;
	(void)room;
	(void)writing;
	(void)unused;
	return -1;
}

static EVP_PKEY *read_key(struct view pem)
{
	BIO *bio = pem.length <= INT_MAX ? BIO_new_mem_buf(pem.at, (int)pem.length) : NULL;
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
	BIO_free(bio);
	return key;
}

static size_t sign_with(EVP_PKEY *key, struct view octets, uint8_t *to)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t length = RS256_OCTETS_MAX;
	bool signed_now = context && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
			  EVP_DigestSign(context, to, &length, (const unsigned char *)octets.at, octets.length) == 1;
	EVP_MD_CTX_free(context);
	return signed_now ? length : 0;
}

static size_t sign(struct view pem, struct view octets, uint8_t to[static RS256_OCTETS_MAX], const char **why)
{
	EVP_PKEY *key = read_key(pem);
	size_t length = 0;
	if (!key)
		*why = "private key should be a PEM or plain PKCS1 or PKCS8";
	else if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || EVP_PKEY_get_size(key) > RS256_OCTETS_MAX)
		*why = "private key is not an RSA key of at most 8192 bits";
	else if (!(length = sign_with(key, octets, to)))
		*why = "private key cannot sign";
	EVP_PKEY_free(key);
	return length;
}

extern const struct rs256_engine isthmus_rs256_engine;

__attribute__((visibility("default"))) const struct rs256_engine isthmus_rs256_engine = {
	.sign = sign,
};
