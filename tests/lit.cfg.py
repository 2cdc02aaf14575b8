# lit configuration of every suite; tests/CMakeLists.txt passes the parameters.
import os

import lit.formats

config.name = "tilewright"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".ptx"]
config.excludes = ["Inputs", "lit.cfg.py", "CMakeLists.txt"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = lit_config.params["out"]
path = [lit_config.params["tools"], lit_config.params["llvm"], os.environ["PATH"]]
config.environment["PATH"] = os.pathsep.join(path)
config.environment["FILECHECK_OPTS"] = "--enable-var-scope --dump-input=fail"
config.substitutions.append(("%root", lit_config.params["root"]))
config.substitutions.append(("%python", lit_config.params["python"]))
