# Everything beside the unit tests, as ctest tests. Labels: layout, docs, http, system, conformance, soak, fuzz (see
# docs/contributing.md). A test that loads the machine runs alone; no test needs a fixed port, so the others share it.
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
set(tests ${CMAKE_CURRENT_SOURCE_DIR})

# A sanitized daemon is slower; what the harness itself waits for grows with it.
set(patience 1)
if(SHELLAC_SANITIZE)
  set(patience 5)
endif()

# suite(NAME LABEL l TIMEOUT seconds COMMAND … [ENVIRONMENT …] [ALONE])
function(suite name)
  cmake_parse_arguments(ARG "ALONE" "LABEL;TIMEOUT" "COMMAND;ENVIRONMENT" ${ARGN})
  math(EXPR timeout "${ARG_TIMEOUT} * ${patience}")
  add_test(NAME ${name} COMMAND ${ARG_COMMAND} WORKING_DIRECTORY ${tests})
  set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${timeout})
  set_property(TEST ${name} PROPERTY ENVIRONMENT PYTHONDONTWRITEBYTECODE=1 SHELLAC_TEST_PATIENCE=${patience} ${ARG_ENVIRONMENT})
  if(ARG_ALONE)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL TRUE)
  endif()
endfunction()

suite(layout/tree LABEL layout TIMEOUT 60 COMMAND ${Python3_EXECUTABLE} ${tests}/layout/layout_test.py)
suite(layout/headers LABEL layout TIMEOUT 600 COMMAND ${Python3_EXECUTABLE} ${tests}/layout/headers_test.py ${CMAKE_BINARY_DIR})
set_tests_properties(layout/headers PROPERTIES PROCESSORS 2)
suite(layout/format LABEL layout TIMEOUT 120 COMMAND ${tests}/layout/format_test.sh)
suite(layout/shell LABEL layout TIMEOUT 120 COMMAND ${tests}/layout/shell_test.sh)
suite(layout/mutants LABEL layout TIMEOUT 60 COMMAND ${Python3_EXECUTABLE} ${tests}/mutants/run.py --check)

# The fuzzers' corpora as plain tests (tests/fuzz/CMakeLists.txt knows both uses).
add_subdirectory(fuzz)

if(NOT TARGET shellac)
  return()
endif()
set(edge_binary SHELLAC_BIN=$<TARGET_FILE:shellac>)

add_executable(list_keys ${tests}/docs/list_keys.cpp)
target_compile_options(list_keys PRIVATE ${SHELLAC_CXX_WARNINGS})
target_link_libraries(list_keys PRIVATE shellac_edge)
suite(docs/manual LABEL docs TIMEOUT 60 COMMAND ${Python3_EXECUTABLE} ${tests}/docs/docs_test.py
  ENVIRONMENT ${edge_binary} SHELLAC_LIST_KEYS=$<TARGET_FILE:list_keys>)

# tests/http/b00000.vtc is the test http/b00000.
file(GLOB scripts CONFIGURE_DEPENDS ${tests}/http/*.vtc)
math(EXPR vtc_timeout "30 * ${patience}")
foreach(script ${scripts})
  get_filename_component(name ${script} NAME_WE)
  suite(http/${name} LABEL http TIMEOUT 60 COMMAND ${tests}/http/run_vtc.sh $<TARGET_FILE:shellac> ${script}
    ENVIRONMENT VTC_TIMEOUT=${vtc_timeout})
endforeach()

# tests/system/tls_test.py is the test system/tls; tests/soak likewise. Both stand on tests/system/harness.py.
# The photo site is drawn once and copied by each test that wants it.
set(site ${CMAKE_CURRENT_BINARY_DIR}/site)
suite(system/draw_site LABEL system TIMEOUT 120 COMMAND ${PROJECT_SOURCE_DIR}/packaging/photo_site.sh ${site})
set_tests_properties(system/draw_site PROPERTIES FIXTURES_SETUP site)
set(harness ${edge_binary} PYTHONPATH=${tests}/system SHELLAC_TEST_SITE=${site})

file(GLOB scripts CONFIGURE_DEPENDS ${tests}/system/*_test.py)
foreach(script ${scripts})
  get_filename_component(name ${script} NAME_WE)
  string(REGEX REPLACE "_test$" "" name ${name})
  suite(system/${name} LABEL system TIMEOUT 300 COMMAND ${Python3_EXECUTABLE} ${script} ENVIRONMENT ${harness})
  set_tests_properties(system/${name} PROPERTIES FIXTURES_REQUIRED site)
endforeach()
# The demonstration itself, on ports that the script looks for.
suite(system/demo LABEL system TIMEOUT 180 COMMAND ${tests}/system/demo_test.sh ENVIRONMENT ${harness})
set_tests_properties(system/demo PROPERTIES FIXTURES_REQUIRED site)

# tests/conformance/cache_test.py is the test conformance/cache: a public suite, installed from npm by packaging/install.sh.
file(GLOB scripts CONFIGURE_DEPENDS ${tests}/conformance/*_test.py)
foreach(script ${scripts})
  get_filename_component(name ${script} NAME_WE)
  string(REGEX REPLACE "_test$" "" name ${name})
  suite(conformance/${name} LABEL conformance TIMEOUT 180 COMMAND ${Python3_EXECUTABLE} ${script} ENVIRONMENT ${harness})
endforeach()

# A soak loads the machine for SHELLAC_SOAK_SECONDS (60) and then looks at memory, descriptors and counters.
file(GLOB scripts CONFIGURE_DEPENDS ${tests}/soak/*_test.py)
foreach(script ${scripts})
  get_filename_component(name ${script} NAME_WE)
  string(REGEX REPLACE "_test$" "" name ${name})
  suite(soak/${name} LABEL soak TIMEOUT 3600 COMMAND ${Python3_EXECUTABLE} ${script} ENVIRONMENT ${harness} ALONE)
  set_tests_properties(soak/${name} PROPERTIES FIXTURES_REQUIRED site)
endforeach()
