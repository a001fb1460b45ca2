// What is wrong with a configuration, and where.
#pragma once

#include <string>
#include <vector>

namespace shellac::config {

// Value. Lines and columns count from 1, columns in bytes; both are 0 when the whole file is meant.
struct Problem {
  std::string file;
  int line = 0;
  int column = 0;
  std::string text;  // what is wrong, what was expected
};

// "FILE:LINE:COL: text", the form of `shellac check`.
std::string to_string(const Problem& problem);

// Where a key or a value stands. `file` is an index into Problems. Value.
struct Place {
  int file = 0;
  int line = 0;
  int column = 0;
};

// Collects problems and knows the files that they are in. Thread: one.
class Problems {
 public:
  // `shown` is the file's name in messages, `directory` (absolute) what relative paths in it are relative to.
  int add_file(std::string shown, std::string directory);
  const std::string& shown(int file) const { return files_[static_cast<std::size_t>(file)].shown; }
  const std::string& directory(int file) const { return files_[static_cast<std::size_t>(file)].directory; }
  // "FILE:LINE:COL", for a message that points to a second place.
  std::string text_of(Place place) const;

  void add(Place place, std::string text);
  bool empty() const { return found_.empty(); }
  // Sorted by file (in the order of add_file), line and column. Beyond kMax problems the last entry tells how many
  // more.
  std::vector<Problem> take();

 private:
  // A file of pure nonsense has a problem per byte; nobody reads more than this.
  static constexpr std::size_t kMax = 1000;
  struct File {
    std::string shown, directory;
  };
  struct Found {
    Place place;
    std::string text;
  };
  std::vector<File> files_;
  std::vector<Found> found_;
  std::size_t dropped_ = 0;
};

}  // namespace shellac::config
