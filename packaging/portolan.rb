class Portolan < Formula
  desc "Gateway between AI applications and MCP servers"
  homepage "{{repository}}"
  version "{{version}}"
  license any_of: ["MIT", "Apache-2.0"]
  head "{{repository}}.git", branch: "main"

  on_linux do
{{archives}}  end

  on_macos do
    # Built here until there are archives for it: brew install --HEAD portolan
    depends_on "rust" => :build
  end

  def install
    if build.head?
      system "cargo", "install", *std_cargo_args(path: "crates/cli")
      generate_completions_from_executable(bin/"portolan", "completion", shells: [:bash, :zsh, :fish, :pwsh])
    else
      bin.install "portolan"
      man1.install Dir["man/man1/*.1"]
      bash_completion.install "completions/portolan.bash" => "portolan"
      zsh_completion.install "completions/_portolan"
      fish_completion.install "completions/portolan.fish"
    end
  end

  service do
    run [opt_bin/"portolan", "up", "--foreground"]
    keep_alive crashed: true
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/portolan version")
    system bin/"portolan", "demo", "--offline"
  end
end
