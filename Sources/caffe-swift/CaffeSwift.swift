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
      scripts for BVLC Caffe's `caffe` work by renaming the program.

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
      ConvertMNIST.self,
      ConvertCIFAR.self,
      ConvertImageset.self, ComputeImageMean.self, Dataset.self, Classify.self,
      ExtractFeatures.self, Layers.self, UpgradeNet.self, UpgradeSolver.self,
    ])

  static func main() {
    StandardStreams.prepare()
    HDF5Library.closesNothingAtExit()
    ReaderProcess.begin()
    Interruption.prepare()
    LoggingSystem.bootstrap(GlogHandler.init)
    do {
      var command = try parseAsRoot(CaffeFlags.normalised(CommandLine.arguments.dropFirst()))
      try command.run()
      try StandardStreams.finish()
    } catch let error as CaffeError {
      TerminalLine.finish()
      StandardError.write("caffe-swift: \(error)\n")
      Glibc.exit(1)
    } catch {
      exit(withError: error)
    }
  }
}

/// Caffe's way of writing flags (gflags), turned into ours.
enum CaffeFlags {
  /// What gflags lets users give a value; ours are on if given.
  private static let switches: Set = ["--gray", "--shuffle", "--check-size", "--encoded"]

  /// `-solver`, `--sigint_effect=x` → `--solver`, `--sigint-effect=x`; `--gray=true` → `--gray`,
  /// `--gray=false` and `--nogray` → nothing; all else stays.
  static func normalised(_ arguments: some Sequence<String>) -> [String] {
    arguments.compactMap { argument in
      let argument = spelled(argument)
      if argument.hasPrefix("--no"), switches.contains("--" + argument.dropFirst(4)) { return nil }
      let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, switches.contains(parts[0]) else { return argument }
      return switch parts[1].lowercased() {
      case "true", "t", "1", "yes", "y": parts[0]
      case "false", "f", "0", "no", "n": nil
      default: argument
      }
    }
  }

  /// Two dashes before a flag, and dashes in it.
  private static func spelled(_ argument: String) -> String {
    let letters = argument.drop { $0 == "-" }
    let dashes = argument.count - letters.count
    guard (1...2).contains(dashes), letters.first?.isLetter == true, letters.count > 1 else {
      return argument
    }
    let end = letters.firstIndex(of: "=") ?? letters.endIndex
    return "--" + letters[..<end].replacing("_", with: "-") + letters[end...]
  }
}
