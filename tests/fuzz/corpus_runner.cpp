// Runs a fuzz target once over every file of a corpus, and over the empty input: the fuzzers' findings as a plain test.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
  std::size_t count = 0;
  const std::vector<char> nothing(1);
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(nothing.data()), 0);
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) continue;  // a target whose corpus is still empty
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      std::ifstream file(entry.path(), std::ios::binary);
      // An exact allocation: the address sanitizer sees a read one past the end.
      const std::vector<char> input{std::istreambuf_iterator<char>(file), {}};
      std::cout << entry.path().filename().string() << '\n' << std::flush;  // the last name is the culprit's
      LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
      ++count;
    }
  }
  std::cout << count << " inputs\n";
}
