from __future__ import annotations

from pathlib import Path

import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.decoders.decoding import DecodingConfig
from earshot.decoders.language_model import LanguageModelConfig, LoraSettings, build_language_model
from earshot.encoders.eat import EatConfig
from earshot.layers.post_norm_transformer import PostNormConfig
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig, build_sound_encoder
from earshot.models.loading.eat import eat_fbank
from earshot.models.loading.slam_aac import load_slam_aac
from earshot.models.slam_captioner import SlamCaptioner, SlamConfig
from earshot.models.start import Ears
from earshot.text.caption_tokenizer import CaptionTokenizer, train_caption_tokenizer

EAT = EatConfig(
    most_times=8, n_frames=64, transformer=PostNormConfig(dim=16, depth=1, n_heads=2, mlp_dim=16)
)
ENCODER = SoundEncoderConfig(audio=AudioTower(eat=EAT), fbank=eat_fbank(), window_s=0.65)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Ears, SlamCaptioner]:
    """Weights as SLAM-AAC's training names them, a LLaMA's folder, an encoder, and the whole."""
    folder = tmp_path_factory.mktemp("slam_aac")
    torch.manual_seed(0)
    sizes = LanguageModelConfig("llama", dim=32, depth=2, n_heads=2, mlp_dim=48, vocab_size=270)
    build_language_model(sizes).save_pretrained(folder / "llama")  # type: ignore[operator]
    train_caption_tokenizer(["a dog barks"], 270).save(folder / "llama")
    ears = Ears("toy", build_sound_encoder(ENCODER).eval(), ENCODER)
    lora = LoraSettings(r=3, alpha=32.0)
    writer = LanguageModelConfig(folder=str(folder / "llama"), lora=lora)
    whole = SlamCaptioner(SlamConfig(encoder=ENCODER, hidden=24, writer=writer, prompt="say:"))
    whole.encoder.load_state_dict(ears.model.state_dict())
    whole.decoder.tokenizer = CaptionTokenizer.load(folder / "llama")
    state = {}
    for name, value in whole.named_parameters():
        if value.requires_grad:
            torch.nn.init.normal_(value, std=0.3)  # B as well, which begins at 0
            state[name.replace("decoder.language_model.", "llm.")] = value.detach()
    torch.save(state, folder / "model.pt")
    assert "llm.base_model.model.model.layers.0.self_attn.q_proj.lora_A.default.weight" in state
    return folder / "model.pt", folder / "llama", ears, whole.eval()


def test_sizes_come_from_the_weights_and_captions_are_the_same(parts) -> None:
    path, llama, ears, whole = parts
    found = load_slam_aac(path, ears, llama, prompt="say:")
    assert (found.config.n_joined, found.config.hidden) == (5, 24)
    assert found.config.writer.lora == LoraSettings(r=3, alpha=32.0)
    sound = torch.randn(2, 10_000) / 10, torch.tensor([10_000, 7_000])
    wanted = whole.captions(*sound, DecodingConfig.by_beams(2, max_tokens=5))
    assert found.captions(*sound, DecodingConfig.by_beams(2, max_tokens=5)) == wanted
    assert wanted[0][0].text


def test_order_is_audio_prompt_caption_and_the_loss_is_of_the_caption(parts) -> None:
    *_, whole = parts
    seen: list[torch.Tensor] = []
    handle = whole.decoder.language_model.register_forward_pre_hook(
        lambda part, args, kwargs: seen.append(kwargs["inputs_embeds"].detach()), with_kwargs=True
    )
    states, n = whole.encoder_states(torch.randn(1, 10_000) / 10, torch.tensor([10_000]))
    assert states.shape == (1, 33, 16)  # the learnt token, then 4 times 8 patches
    loss = whole.loss(states, n, ["a dog barks"])
    handle.remove()
    words = whole.decoder.tokenizer
    prompt, said = (
        words.encode_prompts(["say:"], max_tokens=64)[0],
        words.encode(["a dog barks"], max_tokens=64)[0],
    )
    table = whole.decoder.language_model.get_input_embeddings().weight
    vectors, n_vectors = whole.prefix(states, n)
    assert n_vectors.tolist() == [6]  # 33 // 5
    row = torch.cat([vectors[0], table[prompt], table[said]])
    torch.testing.assert_close(seen[0][0], row)
    with torch.no_grad():
        logits = whole.decoder.language_model(inputs_embeds=row[None]).logits[0]
    first = len(row) - len(said) - 1
    chances = logits[first:-1].log_softmax(-1)
    wanted = -chances[range(len(said)), said].mean()
    torch.testing.assert_close(loss.detach(), wanted)


def test_lora_and_projector_alone_learn(parts) -> None:
    *_, whole = parts
    states, n = whole.encoder_states(torch.randn(1, 10_000) / 10, torch.tensor([10_000]))
    whole.train()
    assert not whole.encoder.training
    whole.loss(states, n, ["a dog barks"]).backward()
    learnt = {name for name, p in whole.named_parameters() if p.grad is not None}
    whole.eval().zero_grad()
    assert learnt
    assert all("lora_" in name or name.startswith("encoder_projector.") for name in learnt)


def test_faults_are_sentences(parts, tmp_path: Path) -> None:
    path, llama, ears, _ = parts
    torch.save({"weight": torch.ones(1)}, tmp_path / "other.pt")
    with pytest.raises(EarShotError, match="SLAM-AAC's training saved"):
        load_slam_aac(tmp_path / "other.pt", ears, llama)
    state = torch.load(path, weights_only=True)
    torch.save({**state, "llm.more": torch.ones(1)}, tmp_path / "more.pt")
    with pytest.raises(EarShotError, match=r"with \['decoder.language_model.more'\]"):
        load_slam_aac(tmp_path / "more.pt", ears, llama)
    state["encoder_projector.linear1.weight"] = torch.ones(24, 81)
    torch.save(state, tmp_path / "wide.pt")
    with pytest.raises(EarShotError, match="a whole number of tokens"):
        load_slam_aac(tmp_path / "wide.pt", ears, llama)
