import ArgumentParser
import Caffe
import Glibc
import Logging

@main
struct CaffeSwift: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "caffe-swift",
    abstract: "Caffe in Swift: train and run the nets that prototxt files describe, on the CPU.",
    discussion: """
      Flags may be written as `--solver x`, `-solver x` or `-solver=x`, and with _ for -, so that \
      scripts for BVLC Caffe's `caffe` work by renaming the program. Of glog's flags, and its variables \
      GLOG_minloglevel and so on, -minloglevel hides lines of the log and -log_dir also writes it to a \
      file caffe.INFO there; the others are accepted.

      A first run:
        caffe-swift convert-mnist images-idx3.gz labels-idx1.gz train_lmdb
        caffe-swift train --solver prototxt/lenet/lenet_solver.prototxt
        caffe-swift test --model lenet_train_test.prototxt --weights lenet_iter_4000.caffemodel.h5

      Wrong usage exits with status 64; anything else that fails with status 1 and one line on \
      standard error that says where and why.
      """,
    version: "caffe-swift 0.1.0",
    subcommands: [
      Train.self, Test.self, Time.self, Summary.self, Check.self, ParseLog.self, Draw.self,
      Plot.self, ShowFilters.self, Report.self, Dashboard.self, Diff.self,
      GradientCheckCommand.self, Export.self,
      ConvertMNIST.self, ConvertMNISTSiamese.self,
      ConvertCIFAR.self,
      ConvertImageset.self, ComputeImageMean.self, Dataset.self, Classify.self, Classification.self,
      ExtractFeatures.self, Layers.self, UpgradeNet.self, UpgradeSolver.self,
    ])

  static func main() {
    StandardStreams.prepare()
    HDF5Library.closesNothingAtExit()
    ReaderProcess.begin()
    Interruption.prepare()
    var logFile: LogFile?
    do {
      let line = CaffeCommandLine(CommandLine.arguments.dropFirst())
      let flags = try GlogFlags(line.glogFlags)
      let file = try flags.logFolder.map(LogFile.init)
      logFile = file
      LoggingSystem.bootstrap { _ in GlogHandler(from: flags.leastLevel, file: file) }
      var command = try parseAsRoot(line.arguments())
      line.reportUnused()
      try command.run()
      try StandardStreams.finish()
    } catch let error as CaffeError {
      TerminalLine.finish()
      let text = "caffe-swift: \(error)\n"
      StandardError.write(text)
      logFile?.write(text)
      Glibc.exit(1)
    } catch {
      exit(withError: error)
    }
  }
}
