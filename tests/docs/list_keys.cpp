// Prints every key that the edge's configuration knows, one a line: the code's side of docs_test.py's comparison.
#include <iostream>

#include "shellac/edge/config_file.hpp"

int main() {
  for (const std::string& key : shellac::edge::all_config_keys()) std::cout << key << '\n';
}
