//===- bundle-writer-test.cpp - What the compiler writes ------------------===//

#include "runtime/bundle/Bundle.h"
#include "tests/runtime/TestBundle.h"
#include "tools/driver/BundleWriter.h"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace tilewright;
using namespace tilewright::runtime;
using namespace tilewright::runtime::test;

static std::string readFile(const std::string &path) {
  std::stringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

static size_t numFiles(const std::string &folder) {
  return size_t(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(BundleWriter, ReaderTakesIt) {
  TemporaryFolder folder;
  std::string path = folder.path() + "/model.twb";
  auto written = writeBundle(path, makeManifest(), makeMembers());
  ASSERT_TRUE(written) << written.error().message();
  auto bundle = Bundle::open(path);
  ASSERT_TRUE(bundle) << bundle.error().message();
  EXPECT_EQ(nlohmann::json::parse((*bundle)->manifestText()), makeManifest());
  EXPECT_EQ((*bundle)->manifest().kernels[3].ptx,
            makeMembers()["kernels/choose.ptx"]);
  EXPECT_EQ(numFiles(folder.path()), 1u) << "nothing else is left";
  struct stat status;
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0444, 0444u);
}

TEST(BundleWriter, SameInputSameBytes) {
  auto first = encodeBundle(makeManifest(), makeMembers());
  sleep(2); // the resolution of a zip archive's times
  auto second = encodeBundle(makeManifest(), makeMembers());
  ASSERT_TRUE(first && second);
  EXPECT_EQ(*first, *second);
}

TEST(BundleWriter, ManifestIsNotAMember) {
  auto bundle = encodeBundle(makeManifest(), {{"manifest.json", "{}"}});
  ASSERT_FALSE(bundle);
  EXPECT_EQ(bundle.error().status(), TILEWRIGHT_INVALID_ARGUMENT);
}

TEST(BundleWriter, FolderThatIsNotThere) {
  auto written = writeBundle("/nowhere/model.twb", makeManifest(), {});
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().message(),
            "/nowhere/model.twb: cannot write: No such file or directory");
}

TEST(BundleWriter, FolderInItsPlace) {
  TemporaryFolder folder;
  auto written = writeBundle(folder.path(), makeManifest(), {});
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().message(),
            folder.path() + ": cannot write: Is a directory");
}

TEST(BundleWriter, ProtectedFile) {
  if (geteuid() == 0)
    GTEST_SKIP() << "root may write everywhere";
  TemporaryFolder folder;
  std::string path = folder.write("model.twb", "before");
  chmod(path.c_str(), 0444);
  auto written = writeBundle(path, makeManifest(), {});
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().message(), path + ": cannot write: Permission "
                                              "denied");
  EXPECT_EQ(readFile(path), "before");
}

TEST(BundleWriter, FullDisk) {
  auto written = writeBundle("/dev/full", makeManifest(), makeMembers());
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().status(), TILEWRIGHT_IO_ERROR);
  EXPECT_EQ(written.error().message(),
            "/dev/full: cannot write: No space left on device");
}

/// A limit on the size of files stands in for a disk that fills up halfway.
TEST(BundleWriter, NoHalfFileIsLeft) {
  TemporaryFolder folder;
  std::string path = folder.write("model.twb", "before");
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_IGN);
  rlimit tight = before;
  tight.rlim_cur = 1000;
  setrlimit(RLIMIT_FSIZE, &tight);
  auto written = writeBundle(path, makeManifest(), makeMembers());
  setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().message(), path + ": cannot write: File too large");
  EXPECT_EQ(readFile(path), "before");
  EXPECT_EQ(numFiles(folder.path()), 1u);
}

TEST(BundleWriter, ThroughALink) {
  TemporaryFolder folder;
  std::string target = folder.write("target.twb", "before");
  std::string link = folder.path() + "/link.twb";
  ASSERT_EQ(symlink("target.twb", link.c_str()), 0);
  ASSERT_TRUE(writeBundle(link, makeManifest(), makeMembers()));
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_TRUE(Bundle::open(target));
}
