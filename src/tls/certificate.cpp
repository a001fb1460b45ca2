#include "tls/certificate.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "shellac/core/text.hpp"
#include "tls/pem.hpp"

namespace shellac::tls {
namespace {

using NamesPtr = std::unique_ptr<GENERAL_NAMES, Free<GENERAL_NAMES_free>>;
using BasicPtr = std::unique_ptr<OCSP_BASICRESP, Free<OCSP_BASICRESP_free>>;

// How far the clocks of responder and server may differ.
constexpr std::time_t kSkew = 5 * 60;

std::time_t seconds_of(const ASN1_TIME* time) {
  std::tm fields{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &fields) != 1) return 0;
  return timegm(&fields);
}

std::string_view text_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

// A NUL inside would end the name early for whoever takes it for a C string.
void add_name(std::vector<std::string>& names, std::string_view name) {
  if (!name.empty() && name.find('\0') == std::string_view::npos) names.push_back(lowercase(name));
}

// RFC 6125 §6.4.4: the common name counts only where there is no DNS name.
std::vector<std::string> names_of(const X509* certificate) {
  std::vector<std::string> names;
  const NamesPtr alternatives(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (name->type == GEN_DNS) add_name(names, text_of(name->d.dNSName));
  }
  if (!names.empty()) return names;
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index >= 0) add_name(names, text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index))));
  return names;
}

std::string key_type_of(int kind) {
  switch (kind) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
      return "rsa";
    case EVP_PKEY_EC:
      return "ecdsa";
    case EVP_PKEY_ED25519:
      return "ed25519";
    default:
      return lowercase(OBJ_nid2sn(kind));
  }
}

// What is served nevertheless, since a client may know better, but deserves a warning.
void note_doubts(const Certificate& loaded, const CertificateOptions& options, std::vector<std::string>& notes) {
  const std::time_t now = std::time(nullptr);
  if (seconds_of(X509_get0_notAfter(loaded.leaf.get())) < now) notes.push_back(options.chain + " has expired");
  if (seconds_of(X509_get0_notBefore(loaded.leaf.get())) > now) notes.push_back(options.chain + " is not valid yet");
  std::error_code error;
  const auto rights = std::filesystem::status(options.key, error).permissions();
  if (!error && (rights & std::filesystem::perms::others_read) != std::filesystem::perms::none)
    notes.push_back(options.key + " can be read by every user of this machine");
}

[[noreturn]] void refuse(const std::string& problem) { throw std::runtime_error(problem); }

}  // namespace

bool Staple::is_current(std::time_t now) const {
  return this_update <= now + kSkew && (next_update == 0 || now < next_update);
}

FoundStaple load_staple(const std::string& file, const X509* leaf) {
  const Content content = read_content(file);
  if (!content.problem.empty()) return {{}, content.problem};
  const auto* data = reinterpret_cast<const unsigned char*>(content.text.data());
  const OcspPtr response(d2i_OCSP_RESPONSE(nullptr, &data, static_cast<long>(content.text.size())));
  const BasicPtr basic(response ? OCSP_response_get1_basic(response.get()) : nullptr);
  ERR_clear_error();
  if (!basic) return {{}, file + " is not an OCSP response with an answer"};
  for (int i = 0; i < OCSP_resp_count(basic.get()); ++i) {
    OCSP_SINGLERESP* single = OCSP_resp_get0(basic.get(), i);
    ASN1_INTEGER* serial = nullptr;
    auto* id = const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(single));  // OpenSSL 3.0 only reads it
    OCSP_id_get0_info(nullptr, nullptr, nullptr, &serial, id);
    if (ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)) != 0) continue;
    ASN1_GENERALIZEDTIME* this_update = nullptr;
    ASN1_GENERALIZEDTIME* next_update = nullptr;
    const int status = OCSP_single_get0_status(single, nullptr, nullptr, &this_update, &next_update);
    if (status != V_OCSP_CERTSTATUS_GOOD) return {{}, file + " does not call the certificate good"};
    return {Staple{content.text, seconds_of(this_update), seconds_of(next_update)}, {}};
  }
  return {{}, file + " does not speak of the certificate"};
}

Certificate load_certificate(const CertificateOptions& options, std::vector<std::string>& notes) {
  const Content chain = read_content(options.chain);
  if (!chain.problem.empty()) refuse(chain.problem);
  const Content key = read_content(options.key);
  if (!key.problem.empty()) refuse(key.problem);
  Certificates certificates = parse_certificates(chain.text, options.chain);
  if (!certificates.problem.empty()) refuse(certificates.problem);
  ParsedKey parsed = parse_key(key.text, options.key);
  if (!parsed.key) refuse(parsed.problem);

  Certificate loaded;
  loaded.leaf = std::move(certificates.list.front());
  loaded.chain.assign(std::make_move_iterator(certificates.list.begin() + 1),
                      std::make_move_iterator(certificates.list.end()));
  loaded.key = std::move(parsed.key);
  loaded.key_kind = EVP_PKEY_get_base_id(loaded.key.get());
  require(X509_check_private_key(loaded.leaf.get(), loaded.key.get()) == 1,
          "the key " + options.key + " does not match the certificate " + options.chain);

  loaded.info.names = names_of(loaded.leaf.get());
  loaded.info.name =
      loaded.info.names.empty() ? std::filesystem::path(options.chain).filename().string() : loaded.info.names.front();
  loaded.info.key_type = key_type_of(loaded.key_kind);
  loaded.info.not_after = std::chrono::system_clock::from_time_t(seconds_of(X509_get0_notAfter(loaded.leaf.get())));
  note_doubts(loaded, options, notes);
  if (options.ocsp.empty()) return loaded;
  FoundStaple found = load_staple(options.ocsp, loaded.leaf.get());
  if (found.staple && !found.staple->is_current(std::time(nullptr))) found.note = options.ocsp + " is out of date";
  if (!found.note.empty()) notes.push_back(found.note + ", nothing is stapled");
  loaded.staple = std::move(found.staple);
  return loaded;
}

}  // namespace shellac::tls
